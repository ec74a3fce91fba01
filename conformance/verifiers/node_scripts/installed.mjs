// Loads packages from the folder in VERIFIER_NODE_MODULES, because there is no node_modules beside these scripts.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

export const require = createRequire(`${process.env.VERIFIER_NODE_MODULES}/`);

export const installed = (name) => import(pathToFileURL(require.resolve(name)).href);

// Answers each line of JSON on standard input with one on standard output.
export async function answerEach(answer) {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(JSON.parse(line))));
  }
}
