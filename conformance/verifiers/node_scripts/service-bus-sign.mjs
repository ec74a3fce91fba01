// Makes Service Bus tokens with Microsoft's own AMQP library, which signs tokens for an hour from now only.
import { answerEach, installed } from "./installed.mjs";

const { createSasTokenProvider } = await installed("@azure/core-amqp");
const LIFETIME_SECONDS = 3600;

await answerEach(async ({ resource, policy, key, expiry }) => {
  const realNow = Date.now;
  Date.now = () => (expiry - LIFETIME_SECONDS) * 1000;
  try {
    const provider = createSasTokenProvider({ sharedAccessKeyName: policy, sharedAccessKey: key });
    return { token: (await provider.getToken(resource)).token };
  } finally {
    Date.now = realNow;
  }
});
