// Verifies id_tokens with fast-jwt.
import { createVerifier } from "fast-jwt";
import { Refusal, tenant } from "./tenant.mjs";

const verifiers = new Map();
for (const client of Object.values(tenant.clients)) {
  const verifier = {
    key: client.secret ?? tenant.public_key, algorithms: [client.alg], allowedIss: tenant.issuer, allowedAud: client.id,
    requiredClaims: ["iss", "aud", "exp", "iat", "sub"], cache: false,
  };
  verifiers.set(client.id, createVerifier(verifier));
}

export function verify(idToken, client) {
  try {
    return verifiers.get(client.id)(idToken);
  } catch (error) {
    throw new Refusal(400, "invalid_grant", error.message);
  }
}
