//! Makes a signing key of a tenant, with its certificate.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::civil::Date;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, PublicKeyData, RsaKeySize,
    date_time_ymd,
};

/// How many years the certificate is valid. Those who trust it trust the key in it: its expiry protects nobody, and
/// breaks single sign-on on that day.
const CERTIFICATE_YEARS: i16 = 10;

/// A key that no other system trusts yet.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSigningKey {
    /// Its id: the first 16 hex digits of the SHA-256 of its public key.
    pub kid: String,
    /// The private key, PKCS#8 in PEM.
    pub private_key_pem: String,
    /// A certificate that the key has signed itself, in PEM.
    pub certificate_pem: String,
}

impl NewSigningKey {
    /// Makes an RSA key of 2048 bits, and a certificate for this host name that is valid for ten years from the day
    /// before `today`.
    ///
    /// # Errors
    /// The system gives no randomness, or the name fits into no certificate.
    pub fn generate(domain: &str, today: Date) -> Result<Self, String> {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
            .map_err(|error| error.to_string())?;
        let certificate = certificate(&key, domain, today).map_err(|error| error.to_string())?;
        let digest = hex::encode(digest(&SHA256, key.der_bytes()));
        let kid = digest.get(..16).unwrap_or(&digest).to_owned();
        Ok(Self { kid, private_key_pem: key.serialize_pem(), certificate_pem: certificate })
    }
}

fn certificate(key: &KeyPair, domain: &str, today: Date) -> Result<String, rcgen::Error> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, domain);
    // A clock that is behind must not find the certificate invalid.
    let from = today.yesterday().unwrap_or(today);
    let month = from.month().unsigned_abs();
    parameters.not_before = date_time_ymd(from.year().into(), month, from.day().unsigned_abs());
    // The first of the month: the 29th of February is not in every year.
    parameters.not_after = date_time_ymd((from.year() + CERTIFICATE_YEARS).into(), month, 1);
    Ok(parameters.self_signed(key)?.pem())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_new_and_a_certificate_can_be_made_on_any_day() {
        let one = NewSigningKey::generate("a.example", Date::constant(2028, 3, 1)).unwrap();
        let other = NewSigningKey::generate("a.example", Date::constant(2028, 1, 1)).unwrap();
        assert_ne!(one.kid, other.kid);
        assert_eq!(one.kid.len(), 16);
        assert!(one.private_key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
        assert!(one.certificate_pem.starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
