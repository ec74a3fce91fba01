// Calls a method of one of Auth0's own clients for Node, which always speak to https://{domain}.
import { answerEach, require } from "./installed.mjs";

const { AuthApiError, AuthenticationClient, UserInfoClient, UserInfoError } = require("auth0");

await answerEach(async ({ method, domain, baseUrl, clientId, secret, signingKey, parameters }) => {
  const fetchFrom = (url, options) => fetch(String(url).replace(`https://${domain}`, baseUrl), options);
  const options = { domain, clientId, clientSecret: secret, clientAssertionSigningKey: signingKey, fetch: fetchFrom };
  const client = method === "getUserInfo" ? new UserInfoClient(options) : new AuthenticationClient(options).oauth;
  try {
    return { answer: (await client[method](parameters)).data ?? null };
  } catch (error) {
    if (error instanceof AuthApiError || error instanceof UserInfoError) return { status: error.statusCode, code: error.error };
    throw error;
  }
});
