// Gets an installation access token with GitHub's own library, octokit, or revokes one.
import { answerEach, installed } from "./installed.mjs";

const { createAppAuth } = await installed("@octokit/auth-app");
const { request } = await installed("@octokit/request");

await answerEach(async ({ baseUrl, clientId, privateKey, installationId, repositories, permissions, revoke }) => {
  const api = request.defaults({ baseUrl });
  try {
    if (revoke) {
      const { status } = await api("DELETE /installation/token", { headers: { authorization: `Bearer ${revoke}` } });
      return { status };
    }
    const auth = createAppAuth({ appId: clientId, privateKey, installationId, request: api });
    return await auth({ type: "installation", repositoryNames: repositories, permissions, refresh: true });
  } catch (error) {
    return { status: error.status, message: error.message };
  }
});
