// What all services of Node share: the tenant, the rate limit, the claims, the signature for Azure Storage.
// The tenant's keys and clients come from the file that the command line names; see src/measure/peers.rs.
import { createHmac, createPrivateKey, createPublicKey, createSecretKey } from "node:crypto";
import { readFileSync } from "node:fs";

export const tenant = JSON.parse(readFileSync(process.argv[2], "utf8"));
export const privateKey = createPrivateKey(tenant.private_key);
export const publicKey = createPublicKey(privateKey);
// Parsed once: a library that is given text looks on every call for what kind of key it is, which takes milliseconds.
for (const client of Object.values(tenant.clients)) {
  const secret = client.secret && createSecretKey(Buffer.from(client.secret));
  client.verifies = secret ?? publicKey;
  client.signs = secret ?? privateKey;
}

export const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

export class Refusal extends Error {
  constructor(status, code, description) {
    super(description);
    this.status = status;
    this.body = { error: code, error_description: description };
  }
}

// One token a minute, as microseconds at which a bucket is full.
const TOKEN_MS = 60_000;
const CAPACITY_MS = TOKEN_MS * tenant.bucket_size;
const buckets = new Map();

export function takeToken(user, address) {
  const key = `${user}\n${address}`;
  const now = Date.now();
  const missing = Math.min(Math.max((buckets.get(key) ?? 0) - now, 0), CAPACITY_MS);
  if (missing + TOKEN_MS > CAPACITY_MS) throw new Refusal(429, "too_many_requests", "too many requests");
  buckets.set(key, now + missing + TOKEN_MS);
  return {
    "x-ratelimit-limit": String(tenant.bucket_size),
    "x-ratelimit-remaining": String(Math.floor((CAPACITY_MS - missing - TOKEN_MS) / TOKEN_MS)),
    "x-ratelimit-reset": String(Math.ceil((now + missing + TOKEN_MS) / 1000)),
  };
}

export const HEADERS = {
  "cache-control": "no-store",
  pragma: "no-cache",
  "x-content-type-options": "nosniff",
  vary: "Origin",
};

// The parameters of a request, checked, with the clients that they name.
export function understand(body) {
  for (const name of ["client_id", "grant_type", "id_token"]) {
    if (typeof body?.[name] !== "string") throw new Refusal(400, "invalid_request", `${name} is missing`);
  }
  if (body.grant_type !== JWT_BEARER) throw new Refusal(400, "invalid_request", "grant_type must be jwt-bearer");
  const client = tenant.clients[body.client_id];
  const target = tenant.clients[body.target ?? body.client_id];
  if (!client || !target) throw new Refusal(400, "invalid_request", "unknown client or target");
  return { client, target, apiType: body.api_type ?? "app", scopes: (body.scope ?? "openid").split(" ") };
}

// What the libraries do not check themselves.
export function checkClaims(claims, client) {
  const { sub, azp } = claims;
  if (typeof sub !== "string" || sub.length < 1 || sub.length > 255) {
    throw new Refusal(400, "invalid_grant", "sub is not a user's id");
  }
  if (azp !== undefined && azp !== client.id) throw new Refusal(400, "invalid_grant", "azp is another client");
  if (!(claims.iat <= Date.now() / 1000 + 60)) throw new Refusal(400, "invalid_grant", "iat is in the future");
}

// The claims of an app token besides the registered ones that a library sets.
export function appClaims(claims, client, scopes) {
  const selected = { sub: claims.sub, azp: client.id };
  if (scopes.includes("email")) {
    selected.email = claims.email;
    selected.email_verified = claims.email_verified === true;
  }
  return selected;
}

const storageKey = Buffer.from(tenant.storage.key, "base64");

export function sharedAccessSignature() {
  const { account, container, blob } = tenant.storage;
  const instant = (ms) => new Date(ms).toISOString().slice(0, 19) + "Z";
  const now = Date.now();
  const [starts, expires] = [instant(now), instant(now + 300_000)];
  const path = `/blob/${account}/${container}/${blob}`;
  const text = `r\n${starts}\n${expires}\n${path}\n\n\n\n2022-11-02\nb\n\n\n\n\n\n\n`;
  const sig = createHmac("sha256", storageKey).update(text).digest("base64");
  const query = new URLSearchParams({ st: starts, se: expires, sp: "r", sv: "2022-11-02", sr: "b", sig });
  return { azure_blob_sas: query.toString() };
}

// Connections wait while other services are measured.
const IDLE_MS = 600_000;

export function listening(server) {
  server.keepAliveTimeout = IDLE_MS;
  const { port } = server.address();
  process.stdout.write(`listening on http://127.0.0.1:${port}\n`);
}
