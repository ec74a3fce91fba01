//! The enveloped signature (XML Signature 1.0, RSA-SHA256) of an assertion.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use locum_abi::answer::Failure;

use super::assertion::Assertion;
use super::xml::{element, no_content, text_element};
use crate::algorithm::Algorithm;
use crate::grant::Grant;
use crate::private_key::PrivateKey;
use crate::signing::sha256;

/// The namespace of signatures.
const DS: (&str, &str) = ("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#");
/// Exclusive canonicalization, the form in which this module writes.
const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// Has assertions signed with the tenant's RSA key.
pub struct SamlSigner {
    key: PrivateKey,
    /// Base64 of the certificate's DER.
    certificate: Option<String>,
}

impl SamlSigner {
    /// A signer with this key. If the key has a certificate, every signature contains it.
    ///
    /// # Errors
    /// What is wrong with the key: the plugin may not have XML signed with it, it is not an RSA key, or its certificate is
    /// malformed.
    pub fn new(key: &PrivateKey) -> Result<Self, &'static str> {
        if !key.signs_with(Algorithm::RS256) {
            return Err("it is not an RSA private key");
        }
        if !key.signs_bytes() {
            return Err(
                "this plugin may not have XML signed with it; pin the plugin with --allow-signing-bytes",
            );
        }
        let certificate = key
            .certificate_pem()
            .map(|pem| pem::parse(pem).map(|certificate| STANDARD.encode(certificate.contents())));
        let certificate = certificate.transpose().map_err(|_| "its certificate is not a PEM text")?;
        Ok(Self { key: key.clone(), certificate })
    }

    /// The signed assertion.
    ///
    /// # Errors
    /// Return the failure as it is: it asks the host to sign. If a value has a character that XML does not permit, or a time
    /// is out of range.
    pub fn assertion<P>(&self, grant: &Grant<P>, assertion: &Assertion<'_>) -> Result<String, Failure> {
        let unsigned = assertion.to_xml("")?;
        let digest = STANDARD.encode(sha256(unsigned.as_bytes()));
        assertion.to_xml(&self.signature(grant, &assertion.id(), &digest)?)
    }

    /// A response with the status `Success` that contains the signed assertion and is not signed itself.
    ///
    /// # Errors
    /// As [`assertion`](SamlSigner::assertion).
    pub fn response<P>(&self, grant: &Grant<P>, assertion: &Assertion<'_>) -> Result<String, Failure> {
        assertion.response(&self.assertion(grant, assertion)?)
    }

    fn signature<P>(&self, grant: &Grant<P>, id: &str, digest: &str) -> Result<String, Failure> {
        // Canonicalized alone, `ds:SignedInfo` declares the namespace itself. Inside `ds:Signature` that element does.
        let signed = signed_info(&[DS], id, digest)?;
        let signature = grant.sign_bytes(&self.key, Algorithm::RS256, &signed)?;
        let mut out = String::new();
        element(&mut out, "ds:Signature", &[DS], |out| {
            out.push_str(&signed_info(&[], id, digest)?);
            text_element(out, "ds:SignatureValue", &[], &signature)?;
            let Some(certificate) = &self.certificate else { return Ok(()) };
            element(out, "ds:KeyInfo", &[], |out| {
                element(out, "ds:X509Data", &[], |out| {
                    text_element(out, "ds:X509Certificate", &[], certificate)
                })
            })
        })?;
        Ok(out)
    }
}

fn signed_info(namespaces: &[(&str, &str)], id: &str, digest: &str) -> Result<String, Failure> {
    let mut out = String::new();
    element(&mut out, "ds:SignedInfo", namespaces, |out| {
        element(out, "ds:CanonicalizationMethod", &[("Algorithm", EXC_C14N)], no_content)?;
        element(out, "ds:SignatureMethod", &[("Algorithm", RSA_SHA256)], no_content)?;
        element(out, "ds:Reference", &[("URI", &format!("#{id}"))], |out| {
            element(out, "ds:Transforms", &[], |out| {
                element(out, "ds:Transform", &[("Algorithm", ENVELOPED)], no_content)?;
                element(out, "ds:Transform", &[("Algorithm", EXC_C14N)], no_content)
            })?;
            element(out, "ds:DigestMethod", &[("Algorithm", SHA256)], no_content)?;
            text_element(out, "ds:DigestValue", &[], digest)
        })
    })?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use locum_abi::signing::SigningKeyInfo;

    use super::*;
    use crate::saml::Attribute;
    use crate::testing::{ENTROPY, NOW, TestKey, tenant_key, with_signatures};

    const ID: &str = "_07070707070707070707070707070707";

    fn signed(assertion: &Assertion<'_>) -> Result<String, Failure> {
        let signer = SamlSigner::new(&tenant_key()).unwrap();
        with_signatures(|grant| signer.assertion(grant, assertion))
    }

    fn alice() -> Assertion<'static> {
        Assertion {
            issuer: "urn:acme.example.com",
            subject: "auth0|alice & <co>",
            subject_format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            audience: "https://service.example.com/?a&b",
            recipient: "https://service.example.com/\"token\"",
            issued_at: NOW,
            expires_at: NOW + 300,
            session_expires_at: Some(NOW + 3600),
            attributes: vec![Attribute {
                name: "colour".to_owned(),
                values: vec!["r>g".to_owned(), String::new()],
            }],
            entropy: &ENTROPY,
        }
    }

    /// The assertion without its signature, the signature's `SignedInfo` as it is signed, and the signature.
    fn split(xml: &str) -> (String, String, Vec<u8>) {
        let (before, rest) = xml.split_once("<ds:Signature ").unwrap();
        let (signature, after) = rest.split_once("</ds:Signature>").unwrap();
        let (info, rest) = signature.split_once("</ds:SignedInfo>").unwrap();
        let (_, info) = info.split_once("<ds:SignedInfo>").unwrap();
        let value =
            rest.split_once("</ds:SignatureValue>").unwrap().0.trim_start_matches("<ds:SignatureValue>");
        (
            format!("{before}{after}"),
            format!("<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}</ds:SignedInfo>"),
            STANDARD.decode(value).unwrap(),
        )
    }

    #[test]
    fn an_assertion_contains_exactly_what_it_was_given() {
        assert_eq!(
            alice().to_xml("").unwrap(),
            format!(
                "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{ID}\" IssueInstant=\"2030-01-08T18:45:14Z\" Version=\"2.0\">\
                 <saml:Issuer>urn:acme.example.com</saml:Issuer>\
                 <saml:Subject><saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">auth0|alice &amp; &lt;co&gt;</saml:NameID>\
                 <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
                 <saml:SubjectConfirmationData NotOnOrAfter=\"2030-01-08T18:50:14Z\" Recipient=\"https://service.example.com/&quot;token&quot;\"></saml:SubjectConfirmationData>\
                 </saml:SubjectConfirmation></saml:Subject>\
                 <saml:Conditions NotBefore=\"2030-01-08T18:45:14Z\" NotOnOrAfter=\"2030-01-08T18:50:14Z\">\
                 <saml:AudienceRestriction><saml:Audience>https://service.example.com/?a&amp;b</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
                 <saml:AuthnStatement AuthnInstant=\"2030-01-08T18:45:14Z\" SessionIndex=\"{ID}\" SessionNotOnOrAfter=\"2030-01-08T19:45:14Z\">\
                 <saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>\
                 <saml:AttributeStatement><saml:Attribute Name=\"colour\"><saml:AttributeValue>r&gt;g</saml:AttributeValue><saml:AttributeValue></saml:AttributeValue></saml:Attribute></saml:AttributeStatement>\
                 </saml:Assertion>"
            )
        );
    }

    #[test]
    fn an_assertion_without_attributes_and_session_mentions_neither() {
        let plain = Assertion { attributes: vec![], session_expires_at: None, ..alice() }.to_xml("").unwrap();
        assert!(!plain.contains("Attribute") && !plain.contains("SessionNotOnOrAfter"), "{plain}");
    }

    #[test]
    fn the_signature_covers_exactly_the_assertion_and_follows_its_issuer() {
        let xml = signed(&alice()).unwrap();
        assert!(xml.contains("</saml:Issuer><ds:Signature "));
        let (unsigned, info, signature) = split(&xml);
        assert_eq!(unsigned, alice().to_xml("").unwrap());
        let digest = STANDARD.encode(sha256(unsigned.as_bytes()));
        assert!(info.contains(&format!("<ds:DigestValue>{digest}</ds:DigestValue>")));
        assert!(info.contains(&format!("<ds:Reference URI=\"#{ID}\">")));
        assert!(TestKey::rsa().verifies(Algorithm::RS256, info.as_bytes(), &signature));
    }

    #[test]
    fn a_signature_is_not_valid_for_another_subject() {
        let (_, alice_info, _) = split(&signed(&alice()).unwrap());
        let bob = Assertion { subject: "auth0|bob", ..alice() };
        let (_, _, bob_signature) = split(&signed(&bob).unwrap());
        assert!(!TestKey::rsa().verifies(Algorithm::RS256, alice_info.as_bytes(), &bob_signature));
    }

    #[test]
    fn a_response_has_its_own_id_and_contains_the_signed_assertion() {
        let signer = SamlSigner::new(&tenant_key()).unwrap();
        let mut entropy = ENTROPY;
        entropy[16..].fill(9);
        let assertion = Assertion { entropy: &entropy, ..alice() };
        let response = with_signatures(|grant| signer.response(grant, &assertion)).unwrap();
        assert!(response.starts_with(
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"https://service.example.com/&quot;token&quot;\" ID=\"_09090909090909090909090909090909\" "
        ));
        let signed = signed(&assertion).unwrap();
        assert!(response.ends_with(&format!("</samlp:Status>{signed}</samlp:Response>")));
    }

    #[test]
    fn a_control_character_in_the_subject_is_refused() {
        assert!(signed(&Assertion { subject: "a\u{1}b", ..alice() }).is_err());
        assert!(signed(&Assertion { subject: "a\tb", ..alice() }).is_ok());
    }

    #[test]
    fn white_space_around_the_subject_is_refused_and_inside_it_stays() {
        let inside = signed(&Assertion { subject: "a  b", ..alice() }).unwrap();
        assert!(inside.contains(">a  b</saml:NameID>"), "{inside}");
        for subject in [" a", "a ", "a\n", "\u{a0}a", "", " "] {
            assert!(signed(&Assertion { subject, ..alice() }).is_err(), "{subject:?}");
        }
    }

    fn key(signs_bytes: bool, algorithm: &str, certificate: Option<&str>) -> PrivateKey {
        let algorithms = vec![algorithm.to_owned()];
        let certificate_pem = certificate.map(str::to_owned);
        PrivateKey::new("tenant", SigningKeyInfo { kid: None, algorithms, signs_bytes, certificate_pem })
    }

    #[test]
    fn the_keys_certificate_is_included() {
        let certificate = pem::encode(&pem::Pem::new("CERTIFICATE", b"\x30\x82certified".as_slice()));
        let signer = SamlSigner::new(&key(true, "RS256", Some(&certificate))).unwrap();
        let xml = with_signatures(|grant| signer.assertion(grant, &alice())).unwrap();
        assert!(
            xml.contains("</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>MIJ"),
            "{xml}"
        );
    }

    #[test]
    fn a_key_that_cannot_sign_assertions_is_refused() {
        let refusal = |key: &PrivateKey| SamlSigner::new(key).err().unwrap_or_default();
        assert_eq!(refusal(&key(true, "RS256", None)), "");
        assert!(refusal(&key(false, "RS256", None)).contains("--allow-signing-bytes"));
        assert!(refusal(&key(true, "ES256", None)).contains("RSA"));
        assert!(refusal(&key(true, "RS256", Some("no pem"))).contains("certificate"));
    }
}
