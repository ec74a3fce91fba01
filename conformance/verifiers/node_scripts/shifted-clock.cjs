// Preloaded into a server: shifts its clock by the milliseconds written in a file, so that tests of expiry need no waiting.
const { readFileSync } = require("node:fs");

const RealDate = Date;
let shift = 0;
let reading = false;

function now() {
  // graceful-fs asks for the time when a file is closed, which must not read the file again.
  if (!reading) {
    reading = true;
    shift = Number(readFileSync(process.env.VERIFIER_CLOCK_FILE, "ascii"));
    reading = false;
  }
  return RealDate.now() + shift;
}

globalThis.Date = class Date extends RealDate {
  constructor(...parts) {
    super(...(parts.length === 0 ? [now()] : parts));
  }
  static now() {
    return now();
  }
};
