// Verifies JWTs with jose: the claims, or the library's refusal.
import { answerEach, installed } from "./installed.mjs";

const { errors, importJWK, jwtVerify } = await installed("jose");
const requiredClaims = ["iss", "sub", "aud", "iat", "exp"];

await answerEach(async ({ token, jwk, alg, issuer, audience }) => {
  try {
    const key = await importJWK(jwk, alg);
    const { payload } = await jwtVerify(token, key, { algorithms: [alg], issuer, audience, requiredClaims });
    return { claims: payload };
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    return { refused: error.message };
  }
});
