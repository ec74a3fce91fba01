// The exchanges for app tokens with oidc-provider and a grant type of its own, which is how it is extended. It takes forms
// only, at /token, and writes its tokens itself.
import { createServer } from "node:http";
import { Provider, errors } from "oidc-provider";
import { JWT_BEARER, Refusal, checkClaims, listening, privateKey, takeToken, tenant, understand } from "./tenant.mjs";
import { verify } from "./verify.mjs";

const jwk = { ...privateKey.export({ format: "jwk" }), kid: tenant.key_id, use: "sig", alg: "RS256" };
const provider = new Provider(tenant.issuer.replace(/\/$/, ""), {
  jwks: { keys: [jwk] },
  clients: Object.keys(tenant.clients).map((id) => ({
    client_id: id, token_endpoint_auth_method: "none", grant_types: [JWT_BEARER], redirect_uris: [], response_types: [],
  })),
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: "", accessTokenFormat: "jwt" }),
    },
  },
  extraTokenClaims: (_ctx, token) => token.extra,
});

class Signed {
  constructor(target) {
    this.scope = undefined;
    this.audience = target.id;
    this.accessTokenFormat = "jwt";
    this.accessTokenTTL = target.lifetime;
    this.jwt = target.secret
      ? { sign: { alg: "HS256", key: target.signs } }
      : { sign: { alg: "RS256", kid: tenant.key_id } };
  }

  identifier() {
    return this.audience;
  }
}

// What the others refuse with, as an error of this library.
function refusedAsHere(check) {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new errors.InvalidGrant(error.message);
  }
}

async function exchange(ctx) {
  const { target, scopes, claims, rate } = refusedAsHere(() => {
    const { client, target, apiType, scopes } = understand(ctx.oidc.params);
    if (apiType !== "app") throw new Refusal(400, "invalid_request", "api_type must be app");
    const claims = verify(ctx.oidc.params.id_token, client);
    checkClaims(claims, client);
    return { target, scopes, claims, rate: takeToken(claims.sub, ctx.ip) };
  });
  ctx.set(rate);
  const token = new provider.AccessToken({ accountId: claims.sub, client: ctx.oidc.client });
  token.resourceServer = new Signed(target);
  token.extra = scopes.includes("email")
    ? { email: claims.email, email_verified: claims.email_verified === true }
    : undefined;
  const idToken = await token.save();
  ctx.body = { token_type: "Bearer", expires_in: token.expiration, id_token: idToken };
}

const parameters = ["id_token", "target", "scope", "api_type"];
provider.registerGrantType(JWT_BEARER, exchange, parameters);
const server = createServer(provider.callback());
server.listen(0, "127.0.0.1", () => listening(server));
