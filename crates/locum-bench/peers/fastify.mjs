// The exchanges with fastify and fast-jwt, which keeps its keys parsed.
import { createSigner } from "fast-jwt";
import Fastify from "fastify";
import {
  HEADERS, appClaims, checkClaims, listening, sharedAccessSignature, takeToken, tenant, understand,
} from "./tenant.mjs";
import { verify } from "./verify.mjs";

const signers = new Map();
for (const client of Object.values(tenant.clients)) {
  const signer = {
    key: client.secret ?? tenant.private_key, algorithm: client.alg, iss: tenant.issuer, aud: client.id,
    expiresIn: client.lifetime * 1000, kid: client.secret ? undefined : tenant.key_id,
  };
  signers.set(client.id, createSigner(signer));
}

function credential(request) {
  const { client, target, apiType, scopes } = understand(request.body);
  const claims = verify(request.body.id_token, client);
  checkClaims(claims, client);
  const rate = takeToken(claims.sub, request.ip);
  if (apiType === "azure_blob") return { rate, body: sharedAccessSignature() };
  const token = signers.get(target.id)(appClaims(claims, client, scopes));
  return { rate, body: { token_type: "Bearer", expires_in: target.lifetime, id_token: token } };
}

const app = Fastify({ logger: false, bodyLimit: 65_536 });
app.post("/delegation", (request, reply) => {
  const { rate, body } = credential(request);
  reply.headers(HEADERS).headers(rate).send(body);
});
app.setErrorHandler((error, _request, reply) => {
  reply.code(error.status ?? error.statusCode ?? 500).headers(HEADERS).send(error.body ?? { error: "server_error" });
});
await app.listen({ port: 0, host: "127.0.0.1" });
listening(app.server);
