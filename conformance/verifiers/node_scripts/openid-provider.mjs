// A certified OpenID provider (oidc-provider) that signs in the user whom the request's login_hint names.
import { installed } from "./installed.mjs";

const { Provider } = await installed("oidc-provider");
const { issuer, port, clientId, redirectUri, jwk } = JSON.parse(process.argv[2]);

const provider = new Provider(issuer, {
  clients: [{
    client_id: clientId,
    redirect_uris: [redirectUri],
    response_types: ["code"],
    grant_types: ["authorization_code"],
    token_endpoint_auth_method: "none",
    id_token_signed_response_alg: "RS256",
  }],
  jwks: { keys: [{ ...jwk, use: "sig", alg: "RS256" }] },
  cookies: { keys: ["verifiers"] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
  async loadExistingGrant(context) {
    const grant = new context.oidc.provider.Grant({
      clientId: context.oidc.client.clientId,
      accountId: context.oidc.session.accountId,
    });
    grant.addOIDCScope("openid");
    await grant.save();
    return grant;
  },
});

provider.use(async (context, next) => {
  if (!context.path.startsWith("/sign-in/")) return next();
  const { params } = await provider.interactionDetails(context.req, context.res);
  await provider.interactionFinished(context.req, context.res, { login: { accountId: params.login_hint } });
  context.respond = false;
});

provider.listen(port, "127.0.0.1");
