// The exchanges with express and jsonwebtoken.
import express from "express";
import jwt from "jsonwebtoken";
import {
  HEADERS, Refusal, appClaims, checkClaims, listening, sharedAccessSignature, takeToken, tenant, understand,
} from "./tenant.mjs";

function verify(idToken, client) {
  const options = { issuer: tenant.issuer, audience: client.id, algorithms: [client.alg] };
  try {
    return jwt.verify(idToken, client.verifies, options);
  } catch (error) {
    throw new Refusal(400, "invalid_grant", error.message);
  }
}

function credential(request) {
  const { client, target, apiType, scopes } = understand(request.body);
  const claims = verify(request.body.id_token, client);
  checkClaims(claims, client);
  const rate = takeToken(claims.sub, request.ip);
  if (apiType === "azure_blob") return { rate, body: sharedAccessSignature() };
  const options = { issuer: tenant.issuer, audience: target.id, expiresIn: target.lifetime, algorithm: target.alg };
  if (!target.secret) options.keyid = tenant.key_id;
  const token = jwt.sign(appClaims(claims, client, scopes), target.signs, options);
  return { rate, body: { token_type: "Bearer", expires_in: target.lifetime, id_token: token } };
}

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.use(express.json({ limit: "64kb" }));
app.post("/delegation", (request, response) => {
  const { rate, body } = credential(request);
  response.set(HEADERS).set(rate).json(body);
});
app.use((error, _request, response, _next) => {
  response.status(error.status ?? 500).set(HEADERS).json(error.body ?? { error: "server_error" });
});
const server = app.listen(0, "127.0.0.1", () => listening(server));
