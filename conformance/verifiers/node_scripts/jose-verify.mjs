// Verifies JWTs with jose; answers with the claims or with the library's reason for refusing.
import { answerEach, installed } from "./installed.mjs";

const { createLocalJWKSet, errors, importJWK, jwtVerify } = await installed("jose");

await answerEach(async ({ token, jwk, jwks, alg, issuer, audience, requiredClaims }) => {
  try {
    const key = jwks ? createLocalJWKSet(jwks) : await importJWK(jwk, alg);
    const wanted = { algorithms: [alg], issuer, audience: audience ?? undefined, requiredClaims };
    const { payload } = await jwtVerify(token, key, wanted);
    return { claims: payload };
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    return { refused: error.message };
  }
});
