// Verifies and makes tokens with the original runtime of Azure Mobile Services, with `createHmac` as in Node of 2014.
import crypto from "node:crypto";

import { answerEach, require } from "./installed.mjs";

// The runtime passes a digest to createHmac as a string with one byte per character; later versions of Node read
// strings as UTF-8.
const createHmac = crypto.createHmac;
crypto.createHmac = (algorithm, key) => createHmac(algorithm, Buffer.from(key, "latin1"));

const runtime = require("azure-mobile-services/runtime/jsonwebtoken.js");
const { windowsLiveSigningSuffix } = runtime;

await answerEach(({ make, header, read, masterKey }) => {
  try {
    if (make) return { token: runtime.create(make, header, masterKey, windowsLiveSigningSuffix).toString() };
    return { claims: runtime.parse(read, masterKey, windowsLiveSigningSuffix).claims };
  } catch (error) {
    return { refused: error.message };
  }
});
