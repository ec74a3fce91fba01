// Reads and makes tokens with the original runtime of Azure Mobile Services, as it ran on the Node of its time.
import crypto from "node:crypto";

import { answerEach, require } from "./installed.mjs";

// The runtime passes a digest to createHmac as a text with one byte per character; later Nodes read texts as UTF-8.
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
