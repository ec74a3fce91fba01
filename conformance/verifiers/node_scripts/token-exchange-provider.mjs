// A certified OpenID provider (oidc-provider) with token exchange as a grant of this script, for the conformance suite.
// Parameters, clients, errors and metadata are the provider's own; the grant checks what RFC 8693 adds.
import { installed } from "./installed.mjs";

const { Provider, errors } = await installed("oidc-provider");
const { issuer, port, clientId, clientSecret, publicClientId, resource, fault } = JSON.parse(process.argv[2]);

const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const PARAMETERS = [
  "audience", "resource", "scope", "requested_token_type",
  "subject_token", "subject_token_type", "actor_token", "actor_token_type",
];
const SCOPES = ["read", "write"];
const client = { redirect_uris: [], response_types: [] };

const provider = new Provider(issuer, {
  clients: [
    { ...client, client_id: clientId, client_secret: clientSecret, grant_types: [GRANT_TYPE, "client_credentials"] },
    { ...client, client_id: publicClientId, grant_types: [GRANT_TYPE], token_endpoint_auth_method: "none" },
  ],
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  scopes: SCOPES,
});

async function exchange(context) {
  const { params, provider: { ClientCredentials } } = context.oidc;
  const refuse = (why) => { throw new errors.InvalidRequest(why); };
  if (params.subject_token === undefined) refuse("subject_token is missing");
  if (params.subject_token_type !== ACCESS_TOKEN) refuse("subject_token_type must be that of an access token");
  if (![undefined, ACCESS_TOKEN].includes(params.requested_token_type)) refuse("only access tokens are issued");
  if (params.actor_token !== undefined || params.actor_token_type !== undefined) refuse("no actor is accepted");
  const subject = await ClientCredentials.find(params.subject_token);
  if (!subject?.isValid) refuse("the subject token is not valid");
  const isKnown = params.audience === undefined || params.audience === resource;
  if (!isKnown && fault !== "ignores-the-audience") throw new errors.InvalidTarget();
  if (![undefined, resource].includes(params.resource)) throw new errors.InvalidTarget();
  const unknown = params.scope?.split(" ").find((scope) => !SCOPES.includes(scope));
  if (unknown !== undefined) throw new errors.InvalidScope("a scope is not supported", unknown);
  const token = new ClientCredentials({ client: context.oidc.client, scope: params.scope });
  context.body = {
    access_token: await token.save(),
    issued_token_type: fault === "abbreviates-the-type" ? "access_token" : ACCESS_TOKEN,
    token_type: "Bearer",
    expires_in: token.expiration,
  };
}

provider.registerGrantType(GRANT_TYPE, exchange, PARAMETERS, ["audience", "resource"]);

provider.listen(port, "127.0.0.1");
