// Exchanges a token with one of two OAuth client libraries, which find the endpoint by discovery and check the answer.
import { answerEach, installed } from "./installed.mjs";

const oauth = await installed("oauth4webapi");
const openid = await installed("openid-client");

const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

// The server answers at another URL than the one that its tokens name as their issuer.
const fetchFrom = (issuer, baseUrl) => (url, options) => fetch(String(url).replace(issuer, `${baseUrl}/`), options);

// Both libraries have the same names for the ways in which a client authenticates.
const authenticationBy = (library, { method, secret }) => ({
  none: library.None(),
  client_secret_basic: library.ClientSecretBasic(secret),
  client_secret_post: library.ClientSecretPost(secret),
})[method];

const withOpenidClient = async ({ issuer, baseUrl, clientId, parameters, ...credentials }) => {
  const authentication = authenticationBy(openid, credentials);
  const config = await openid.discovery(new URL(issuer), clientId, undefined, authentication, {
    [openid.customFetch]: fetchFrom(issuer, baseUrl),
    algorithm: "oauth2",
  });
  return openid.genericGrantRequest(config, TOKEN_EXCHANGE, parameters);
};

const withOauth4webapi = async ({ issuer, baseUrl, clientId, parameters, ...credentials }) => {
  const options = { [oauth.customFetch]: fetchFrom(issuer, baseUrl) };
  const found = await oauth.discoveryRequest(new URL(issuer), { ...options, algorithm: "oauth2" });
  const server = await oauth.processDiscoveryResponse(new URL(issuer), found);
  const client = { client_id: clientId };
  const response = await oauth.genericTokenEndpointRequest(
    server, client, authenticationBy(oauth, credentials), TOKEN_EXCHANGE, new URLSearchParams(parameters), options,
  );
  // Without this it takes only bearer tokens, and the value of RFC 8693 for what is none is unsupported.
  const recognizedTokenTypes = { n_a: () => {} };
  return oauth.processGenericTokenEndpointResponse(server, client, response, { recognizedTokenTypes });
};

const libraries = { "openid-client": withOpenidClient, oauth4webapi: withOauth4webapi };

await answerEach(async ({ library, ...request }) => {
  try {
    return { answer: await libraries[library](request) };
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
