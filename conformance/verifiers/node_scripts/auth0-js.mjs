// Calls auth0-js as a page of an origin does, in jsdom: a browser's DOM in Node, whose XMLHttpRequest keeps to the rules of CORS.
import { readFileSync } from "node:fs";

import { answerEach, require } from "./installed.mjs";

const { JSDOM, VirtualConsole } = require("jsdom");
const script = readFileSync(require.resolve("auth0-js"), "utf8");

await answerEach(({ origin, baseUrl, clientId, method, parameters }) => {
  // What the page logs, such as that CORS forbids something, is in the answer too.
  const page = new JSDOM("", { url: `${origin}/`, runScripts: "outside-only", virtualConsole: new VirtualConsole() });
  page.window.eval(script);
  const client = new page.window.auth0.Authentication({ domain: baseUrl, clientID: clientId });
  return new Promise((resolve) => {
    client[method](parameters, (error, answer) => {
      page.window.close();
      resolve(error ? { code: error.code ?? error.error ?? "unreadable", status: error.statusCode ?? 0 } : { answer });
    });
  });
});
