// Receives SAML responses with node-saml.
import { answerEach, installed } from "./installed.mjs";

const { SAML } = await installed("@node-saml/node-saml");

await answerEach(async ({ response, certificate, audience, recipient }) => {
  const receiver = new SAML({
    callbackUrl: recipient,
    issuer: audience,
    audience,
    idpCert: certificate,
    wantAssertionsSigned: true,
    wantAuthnResponseSigned: false,
    acceptedClockSkewMs: 5000,
  });
  try {
    const { profile } = await receiver.validatePostResponseAsync({ SAMLResponse: response });
    return { subject: profile.nameID };
  } catch (error) {
    return { refused: error.message };
  }
});
