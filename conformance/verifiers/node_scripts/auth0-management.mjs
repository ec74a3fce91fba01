// Calls a method of the Management API client of the npm package auth0.
import { answerEach, require } from "./installed.mjs";

const { ManagementApiError, ManagementClient } = require("auth0");

const clients = new Map();

// One client keeps its token, as in a program of an operator.
function clientFor(options) {
  const key = JSON.stringify(options);
  if (!clients.has(key)) clients.set(key, new ManagementClient(options));
  return clients.get(key);
}

await answerEach(async ({ options, resource, method, parameters }) => {
  try {
    return { answer: (await clientFor(options)[resource][method](...parameters)).data ?? null };
  } catch (error) {
    if (error instanceof ManagementApiError) {
      return { status: error.statusCode, code: error.errorCode, kind: error.name };
    }
    return { crashed: String(error?.stack ?? error) };
  }
});
