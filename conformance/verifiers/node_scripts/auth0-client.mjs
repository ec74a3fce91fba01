// Calls a method of Auth0's own OAuth client for Node, which always speaks to https://{domain}.
import { answerEach, require } from "./installed.mjs";

const { AuthApiError, AuthenticationClient } = require("auth0");

await answerEach(async ({ method, domain, baseUrl, clientId, secret, signingKey, parameters }) => {
  const client = new AuthenticationClient({
    domain,
    clientId,
    clientSecret: secret,
    clientAssertionSigningKey: signingKey,
    fetch: (url, options) => fetch(String(url).replace(`https://${domain}`, baseUrl), options),
  });
  try {
    return { answer: (await client.oauth[method](parameters)).data ?? null };
  } catch (error) {
    if (error instanceof AuthApiError) return { status: error.statusCode, code: error.error };
    throw error;
  }
});
