// Sends a request with one of two OAuth client libraries, which find the endpoints by discovery and check the answer.
import { answerEach, installed } from "./installed.mjs";

const { importPKCS8 } = await installed("jose");
const oauth = await installed("oauth4webapi");
const openid = await installed("openid-client");

const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

// The server answers at another URL than the one that its tokens name as their issuer.
const fetchFrom = (issuer, baseUrl) => (url, options) => fetch(String(url).replace(issuer, `${baseUrl}/`), options);

// Both libraries have the same names for the ways in which a client authenticates.
const authenticationBy = async (library, { method, secret }) => ({
  none: () => library.None(),
  client_secret_basic: () => library.ClientSecretBasic(secret),
  client_secret_post: () => library.ClientSecretPost(secret),
  private_key_jwt: async () => library.PrivateKeyJwt(await importPKCS8(secret, "RS256")),
})[method]();

const openidClientActions = {
  exchange: (config, { parameters }) => openid.genericGrantRequest(config, TOKEN_EXCHANGE, parameters),
  client_credentials: (config, { parameters }) => openid.clientCredentialsGrant(config, parameters),
  refresh: (config, { token, parameters }) => openid.refreshTokenGrant(config, token, parameters),
  revoke: (config, { token, parameters }) => openid.tokenRevocation(config, token, parameters),
  introspect: (config, { token, parameters }) => openid.tokenIntrospection(config, token, parameters),
  userinfo: (config, { token, parameters }) => openid.fetchUserInfo(config, token, parameters.subject),
};

const withOpenidClient = async ({ action, issuer, baseUrl, clientId, ...request }) => {
  const config = await openid.discovery(new URL(issuer), clientId, undefined, await authenticationBy(openid, request), {
    [openid.customFetch]: fetchFrom(issuer, baseUrl),
    algorithm: "oauth2",
  });
  return openidClientActions[action](config, request);
};

const oauth4webapiActions = {
  exchange: async (server, client, authentication, { additionalParameters, ...options }) => {
    const response = await oauth.genericTokenEndpointRequest(
      server, client, authentication, TOKEN_EXCHANGE, additionalParameters, options,
    );
    // Without this it takes only bearer tokens, and the value of RFC 8693 for what is none is unsupported.
    const recognizedTokenTypes = { n_a: () => {} };
    return oauth.processGenericTokenEndpointResponse(server, client, response, { recognizedTokenTypes });
  },
  client_credentials: async (server, client, authentication, { additionalParameters, ...options }) => {
    const response = await oauth.clientCredentialsGrantRequest(
      server, client, authentication, additionalParameters, options,
    );
    return oauth.processClientCredentialsResponse(server, client, response);
  },
  refresh: async (server, client, authentication, options, token) => {
    const response = await oauth.refreshTokenGrantRequest(server, client, authentication, token, options);
    return oauth.processRefreshTokenResponse(server, client, response);
  },
  revoke: async (server, client, authentication, options, token) =>
    oauth.processRevocationResponse(await oauth.revocationRequest(server, client, authentication, token, options)),
  introspect: async (server, client, authentication, options, token) => {
    const response = await oauth.introspectionRequest(server, client, authentication, token, options);
    return oauth.processIntrospectionResponse(server, client, response);
  },
  userinfo: async (server, client, authentication, options, token) => {
    const response = await oauth.userInfoRequest(server, client, token, options);
    return oauth.processUserInfoResponse(server, client, options.additionalParameters.get("subject"), response);
  },
};

const withOauth4webapi = async ({ action, issuer, baseUrl, clientId, parameters, token, ...credentials }) => {
  const options = { [oauth.customFetch]: fetchFrom(issuer, baseUrl) };
  const found = await oauth.discoveryRequest(new URL(issuer), { ...options, algorithm: "oauth2" });
  const server = await oauth.processDiscoveryResponse(new URL(issuer), found);
  const authentication = await authenticationBy(oauth, credentials);
  const additionalParameters = new URLSearchParams(parameters);
  const client = { client_id: clientId };
  return oauth4webapiActions[action](server, client, authentication, { ...options, additionalParameters }, token);
};

const libraries = { "openid-client": withOpenidClient, oauth4webapi: withOauth4webapi };

await answerEach(async ({ library, ...request }) => {
  try {
    // A revocation has no answer.
    return { answer: (await libraries[library](request)) ?? null };
  } catch (error) {
    // Both libraries have one class for an answer that is an OAuth error.
    const { status, error: code } = error;
    if (error instanceof oauth.ResponseBodyError || error instanceof openid.ResponseBodyError) return { status, code };
    // A 401 with WWW-Authenticate is another class.
    if (error instanceof oauth.WWWAuthenticateChallengeError || error instanceof openid.WWWAuthenticateChallengeError) {
      return { status: error.status, code: "WWW-Authenticate" };
    }
    throw error;
  }
});
