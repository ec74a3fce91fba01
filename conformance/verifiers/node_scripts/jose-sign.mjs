// Signs JWTs with jose.
import { answerEach, installed } from "./installed.mjs";

const { SignJWT, importJWK } = await installed("jose");

await answerEach(async ({ claims, jwk, header }) => {
  const key = await importJWK(jwk, header.alg);
  return { token: await new SignJWT(claims).setProtectedHeader(header).sign(key) };
});
