//! What a PEM contains that is not an RSA private key, so that an error can name it.

/// DER of the object identifiers of EC keys (RFC 5480) and Ed25519 keys (RFC 8410), as PKCS#8 contains them.
const EC_KEY: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];

/// What is wrong and what to do, for the kinds that are often mistaken for an RSA private key.
pub(super) fn other_than_rsa_key(text: &str) -> Option<&'static str> {
    if text.contains("ENCRYPTED") {
        return Some(
            "this private key is encrypted; decrypt it with `openssl pkey` and give the key without a passphrase",
        );
    }
    let label = text.split_once("-----BEGIN ")?.1.split_once("-----")?.0;
    match label {
        "CERTIFICATE" => Some(
            "this is a certificate; put it into `certificate`, and the RSA private key that belongs to it here",
        ),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {
            Some("this is a public key; give the RSA private key that belongs to it")
        }
        "EC PRIVATE KEY" | "EC PARAMETERS" => Some(EC_KEY_MESSAGE),
        "OPENSSH PRIVATE KEY" => {
            Some("this key has the format of OpenSSH; convert it with `ssh-keygen -p -m PEM`")
        }
        "PRIVATE KEY" => {
            let parsed = pem::parse(text).ok()?;
            let contents = zeroize::Zeroizing::new(parsed.into_contents());
            let contains = |part: &[u8]| contents.windows(part.len()).any(|window| window == part);
            if contains(EC_KEY) {
                Some(EC_KEY_MESSAGE)
            } else if contains(ED25519) {
                Some("this is an Ed25519 key; a tenant signs with an RSA key of at least 2048 bits")
            } else {
                None
            }
        }
        _ => None,
    }
}

const EC_KEY_MESSAGE: &str = "this is an EC key; a tenant signs with an RSA key of at least 2048 bits";
