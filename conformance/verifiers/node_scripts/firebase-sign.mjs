// Makes custom tokens with Google's own firebase-admin.
import { answerEach, installed } from "./installed.mjs";

const { initializeApp, cert } = await installed("firebase-admin/app");
const { getAuth } = await installed("firebase-admin/auth");

await answerEach(async ({ clientEmail, privateKey, uid, claims }) => {
  const account = cert({ projectId: "locum-demo", clientEmail, privateKey });
  const app = initializeApp({ credential: account }, crypto.randomUUID());
  return { token: await getAuth(app).createCustomToken(uid, claims) };
});
