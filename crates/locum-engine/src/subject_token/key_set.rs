//! The public keys of an issuer, from its JWK Set (RFC 7517 section 5).
//!
//! A key that cannot be used is ignored, as section 5 demands, and said to be.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RsaParameters,
    RsaPublicKeyComponents, VerificationAlgorithm,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::base64url;
use crate::limits::{JWK_SET_KEYS_MAX, KID_BYTES_MAX};
use crate::model::PublicKeyAlgorithm;
use crate::model::PublicKeyAlgorithm::{ES256, ES384, EdDSA, PS256, RS256, RS384, RS512};
use crate::subject_token::key::VerificationKey;

/// The bits of RSA keys that are used. Shorter ones are too weak, longer ones too slow.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The keys that verify an issuer's tokens.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    /// One for each algorithm that a key may be used with.
    keys: Vec<VerificationKey>,
    ignored: Vec<IgnoredKey>,
}

/// A key of a set that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IgnoredKey {
    /// Its index in the set.
    pub index: usize,
    /// Its `kid`.
    pub kid: Option<String>,
    /// Why it is not used.
    pub why: &'static str,
}

impl fmt::Display for IgnoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "key {} ({kid:?}) {}", self.index, self.why),
            None => write!(f, "key {} {}", self.index, self.why),
        }
    }
}

/// Why a text is no set of keys that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeySet {
    /// It is not a JWK Set.
    #[error("it is not a JWK Set, a JSON object with a list `keys`")]
    NotASet,
    /// It has more than [`JWK_SET_KEYS_MAX`] keys.
    #[error("it has {0} keys, more than {JWK_SET_KEYS_MAX}")]
    TooMany(usize),
    /// None of its keys can be used.
    #[error("it has no key that verifies tokens{}", because(.0))]
    NoKey(Vec<IgnoredKey>),
}

fn because(ignored: &[IgnoredKey]) -> String {
    let ignored: Vec<_> = ignored.iter().map(IgnoredKey::to_string).collect();
    if ignored.is_empty() { String::new() } else { format!(": {}", ignored.join("; ")) }
}

impl KeySet {
    /// Reads a JWK Set.
    ///
    /// # Errors
    /// It is not one, it has too many keys, or none that can be used.
    pub fn from_json(json: &str) -> Result<Self, InvalidKeySet> {
        #[derive(Deserialize)]
        struct JwkSet {
            keys: Vec<Value>,
        }
        let JwkSet { keys: found } = serde_json::from_str(json).map_err(|_| InvalidKeySet::NotASet)?;
        if found.len() > JWK_SET_KEYS_MAX {
            return Err(InvalidKeySet::TooMany(found.len()));
        }
        let mut set = Self::default();
        for (index, jwk) in found.iter().enumerate() {
            match Jwk::deserialize(jwk).map_err(|_| "has a member of the wrong type").and_then(Jwk::keys) {
                Ok(keys) => set.keys.extend(keys),
                Err(why) => {
                    let kid = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
                    set.ignored.push(IgnoredKey { index, kid, why });
                }
            }
        }
        if set.keys.is_empty() { Err(InvalidKeySet::NoKey(set.ignored)) } else { Ok(set) }
    }

    /// The keys that are not used.
    pub fn ignored(&self) -> &[IgnoredKey] {
        &self.ignored
    }

    /// Whether a token that names this key, or none, may be signed with one of them.
    pub fn may_have(&self, kid: Option<&str>) -> bool {
        kid.is_none_or(|kid| self.keys.iter().any(|key| key.kid.as_ref().is_none_or(|own| own == kid)))
    }

    /// The keys for one of these algorithms.
    pub(crate) fn keys<'k>(
        &'k self,
        algorithms: &'k [PublicKeyAlgorithm],
    ) -> impl Iterator<Item = &'k VerificationKey> {
        self.keys.iter().filter(|key| algorithms.iter().any(|algorithm| key.is_for(*algorithm)))
    }
}

/// A JSON Web Key (RFC 7517 section 4), with the members of all types of key.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// Only private keys have it.
    d: Option<IgnoredAny>,
}

impl Jwk {
    /// A key for each algorithm that it may be used with.
    fn keys(self) -> Result<Vec<VerificationKey>, &'static str> {
        if self.kty == "oct" {
            return Err("is symmetric");
        }
        if self.d.is_some() {
            return Err("is a private key, which its issuer must replace");
        }
        if self.usage.as_ref().is_some_and(|usage| usage != "sig") {
            return Err("is not for signatures (`use`)");
        }
        if self.key_ops.as_ref().is_some_and(|operations| !operations.iter().any(|name| name == "verify")) {
            return Err("does not verify signatures (`key_ops`)");
        }
        if self.kid.as_ref().is_some_and(|kid| kid.len() > KID_BYTES_MAX) {
            return Err("has a `kid` that is too long");
        }
        let fitting: &[PublicKeyAlgorithm] = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => &[RS256, RS384, RS512, PS256],
            ("EC", Some("P-256")) => &[ES256],
            ("EC", Some("P-384")) => &[ES384],
            ("OKP", Some("Ed25519")) => &[EdDSA],
            _ => return Err("has an unsupported type or curve (`kty`, `crv`)"),
        };
        let is_allowed =
            |algorithm: &&PublicKeyAlgorithm| self.alg.as_ref().is_none_or(|only| only == algorithm.name());
        let keys = fitting.iter().filter(is_allowed).map(|algorithm| {
            self.parsed(*algorithm).map(|key| VerificationKey::public(self.kid.clone(), *algorithm, key))
        });
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() { Err("has an unsupported algorithm (`alg`)") } else { Ok(keys) }
    }

    fn parsed(&self, algorithm: PublicKeyAlgorithm) -> Result<ParsedPublicKey, &'static str> {
        match algorithm {
            RS256 => self.rsa(&RSA_PKCS1_2048_8192_SHA256),
            RS384 => self.rsa(&RSA_PKCS1_2048_8192_SHA384),
            RS512 => self.rsa(&RSA_PKCS1_2048_8192_SHA512),
            PS256 => self.rsa(&RSA_PSS_2048_8192_SHA256),
            ES256 => self.elliptic(&ECDSA_P256_SHA256_FIXED, 32),
            ES384 => self.elliptic(&ECDSA_P384_SHA384_FIXED, 48),
            EdDSA => {
                let x = number(self.x.as_ref())?;
                ParsedPublicKey::new(&ED25519, x).map_err(|_| NOT_A_KEY)
            }
        }
    }

    /// RFC 7518 section 6.3.1.
    fn rsa(&self, parameters: &'static RsaParameters) -> Result<ParsedPublicKey, &'static str> {
        let [n, e] = [&self.n, &self.e].map(|value| number(value.as_ref()).map(without_leading_zeros));
        let (n, e) = (n?, e?);
        let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
        if !RSA_BITS.contains(&bits) {
            return Err("is an RSA key of less than 2048 or more than 8192 bits");
        }
        RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).map_err(|_| NOT_A_KEY)
    }

    /// RFC 7518 section 6.2.1. Both coordinates have this many bytes.
    fn elliptic(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        bytes: usize,
    ) -> Result<ParsedPublicKey, &'static str> {
        let (x, y) = (number(self.x.as_ref())?, number(self.y.as_ref())?);
        if x.len() != bytes || y.len() != bytes {
            return Err(NOT_A_KEY);
        }
        // An uncompressed point (SEC 1 section 2.3.3).
        ParsedPublicKey::new(algorithm, [&[4], x.as_slice(), y.as_slice()].concat()).map_err(|_| NOT_A_KEY)
    }
}

const NOT_A_KEY: &str = "is not a key: its numbers are missing or wrong";

fn number(text: Option<&String>) -> Result<Vec<u8>, &'static str> {
    text.and_then(|text| base64url::decode(text)).ok_or(NOT_A_KEY)
}

/// RFC 7518 section 2 forbids them, and some issuers write them.
fn without_leading_zeros(number: Vec<u8>) -> Vec<u8> {
    number.into_iter().skip_while(|byte| *byte == 0).collect()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    };
    use serde_json::json;

    use super::*;

    const MESSAGE: &[u8] = b"header.claims";

    fn rsa() -> (RsaKeyPair, Value) {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = pair.public_key();
        let [n, e] =
            [public.modulus(), public.exponent()].map(|number| number.big_endian_without_leading_zero());
        let jwk = json!({"kty": "RSA", "n": base64url::encode(n), "e": base64url::encode(e)});
        (pair, jwk)
    }

    fn elliptic(p384: bool) -> (EcdsaKeyPair, Value) {
        let (signing, curve) = if p384 {
            (&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384")
        } else {
            (&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256")
        };
        let pair = EcdsaKeyPair::generate(signing).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at((pair.public_key().as_ref().len() - 1) / 2);
        let jwk = json!({"kty": "EC", "crv": curve, "x": base64url::encode(x), "y": base64url::encode(y)});
        (pair, jwk)
    }

    fn with(jwk: &Value, changes: Value) -> Value {
        let mut jwk = jwk.clone();
        jwk.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        jwk
    }

    fn read(keys: &[Value]) -> Result<KeySet, InvalidKeySet> {
        KeySet::from_json(&json!({ "keys": keys }).to_string())
    }

    fn algorithms(set: &KeySet) -> Vec<&'static str> {
        set.keys.iter().map(|key| key.algorithm).collect()
    }

    /// Why the only key of a set is ignored.
    fn why_ignored(jwk: Value) -> &'static str {
        match read(&[jwk]) {
            Err(InvalidKeySet::NoKey(ignored)) => ignored[0].why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_key_verifies_each_algorithm_that_fits_and_no_other() {
        let (pair, jwk) = rsa();
        let set = read(&[jwk]).unwrap();
        assert_eq!(algorithms(&set), ["RS256", "RS384", "RS512", "PS256"]);
        let random = SystemRandom::new();
        let encodings: [(_, &dyn aws_lc_rs::signature::RsaEncoding); 4] = [
            (RS256, &RSA_PKCS1_SHA256),
            (RS384, &RSA_PKCS1_SHA384),
            (RS512, &RSA_PKCS1_SHA512),
            (PS256, &RSA_PSS_SHA256),
        ];
        for (algorithm, encoding) in encodings {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &random, MESSAGE, &mut signature).unwrap();
            for key in &set.keys {
                assert_eq!(key.verifies(MESSAGE, &signature), key.is_for(algorithm), "{algorithm} {key:?}");
            }
        }
        for (p384, algorithm) in [(false, ES256), (true, ES384)] {
            let (pair, jwk) = elliptic(p384);
            let set = read(&[jwk]).unwrap();
            assert_eq!(algorithms(&set), [algorithm.name()]);
            let signature = pair.sign(&random, MESSAGE).unwrap();
            assert!(set.keys[0].verifies(MESSAGE, signature.as_ref()));
            assert!(!set.keys[0].verifies(b"header.other", signature.as_ref()));
        }
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = base64url::encode(pair.public_key().as_ref());
        let set = read(&[json!({"kty": "OKP", "crv": "Ed25519", "x": x})]).unwrap();
        assert_eq!(algorithms(&set), ["EdDSA"]);
        assert!(set.keys[0].verifies(MESSAGE, pair.sign(MESSAGE).as_ref()));
        assert!(!set.keys[0].verifies(b"header.other", pair.sign(MESSAGE).as_ref()));
    }

    #[test]
    fn a_key_with_an_algorithm_is_for_that_one() {
        let (_, jwk) = rsa();
        let set =
            read(&[with(&jwk, json!({"alg": "PS256", "use": "sig", "key_ops": ["verify"], "kid": "a"}))]);
        let set = set.unwrap();
        assert_eq!(algorithms(&set), ["PS256"]);
        assert_eq!(set.keys(&[RS256, PS256]).count(), 1);
        assert_eq!(set.keys(&[RS256, ES256]).count(), 0);
        assert!(set.ignored().is_empty());
    }

    #[test]
    fn a_key_without_a_name_may_be_the_one_that_a_token_names() {
        let (_, jwk) = elliptic(false);
        let named = |kid: &str| with(&jwk, json!({ "kid": kid }));
        let set = read(&[named("a"), named("b")]).unwrap();
        assert!(set.may_have(None) && set.may_have(Some("a")) && set.may_have(Some("b")));
        assert!(!set.may_have(Some("c")) && !set.may_have(Some("")));
        assert!(read(&[named("a"), jwk]).unwrap().may_have(Some("c")));
    }

    #[test]
    fn leading_zeros_of_a_number_are_not_part_of_it() {
        let (pair, jwk) = rsa();
        let n = pair.public_key().modulus().big_endian_without_leading_zero();
        let padded = base64url::encode(&[&[0], n].concat());
        assert!(read(&[with(&jwk, json!({ "n": padded }))]).is_ok());
    }

    #[test]
    fn a_key_that_is_not_one_of_an_issuer_is_ignored() {
        let ((_, rsa), (_, ec)) = (rsa(), elliptic(false));
        let y = ec["y"].as_str().unwrap();
        for (jwk, why) in [
            (json!({"kty": "oct", "k": "AAAA"}), "is symmetric"),
            (with(&rsa, json!({"d": "AAAA"})), "is a private key, which its issuer must replace"),
            (with(&rsa, json!({"use": "enc"})), "is not for signatures (`use`)"),
            (with(&rsa, json!({"key_ops": ["encrypt"]})), "does not verify signatures (`key_ops`)"),
            (with(&rsa, json!({"key_ops": []})), "does not verify signatures (`key_ops`)"),
            (with(&rsa, json!({"kid": "k".repeat(257)})), "has a `kid` that is too long"),
            (with(&rsa, json!({"kid": 7})), "has a member of the wrong type"),
            (json!({"n": rsa["n"], "e": rsa["e"]}), "has a member of the wrong type"),
            (json!("key"), "has a member of the wrong type"),
            (with(&rsa, json!({"alg": "HS256"})), "has an unsupported algorithm (`alg`)"),
            (with(&rsa, json!({"alg": "ES256"})), "has an unsupported algorithm (`alg`)"),
            (with(&rsa, json!({"n": "AQAB"})), "is an RSA key of less than 2048 or more than 8192 bits"),
            (
                with(&rsa, json!({"n": "A".repeat(1400)})),
                "is an RSA key of less than 2048 or more than 8192 bits",
            ),
            (with(&rsa, json!({"n": "/".repeat(1400)})), NOT_A_KEY),
            (
                with(&rsa, json!({"n": "_".repeat(1400)})),
                "is an RSA key of less than 2048 or more than 8192 bits",
            ),
            (with(&rsa, json!({"e": null})), NOT_A_KEY),
            (with(&rsa, json!({"e": "AA"})), NOT_A_KEY),
            (with(&ec, json!({"crv": "secp256k1"})), "has an unsupported type or curve (`kty`, `crv`)"),
            (with(&ec, json!({"crv": "P-384"})), NOT_A_KEY),
            (with(&ec, json!({"x": y})), NOT_A_KEY),
            (with(&ec, json!({"y": null})), NOT_A_KEY),
            (json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}), NOT_A_KEY),
            (
                json!({"kty": "OKP", "crv": "X25519", "x": y}),
                "has an unsupported type or curve (`kty`, `crv`)",
            ),
        ] {
            assert_eq!(why_ignored(jwk.clone()), why, "{jwk}");
        }
    }

    #[test]
    fn the_other_keys_of_a_set_are_used() {
        let ((_, rsa), (_, ec)) = (rsa(), elliptic(true));
        let oct = json!({"kty": "oct", "k": "AAAA", "kid": "a \"b"});
        let set = read(&[oct, with(&ec, json!({"kid": "e"})), with(&rsa, json!({"kid": "e"}))]).unwrap();
        assert_eq!(algorithms(&set), ["ES384", "RS256", "RS384", "RS512", "PS256"]);
        assert_eq!(set.ignored()[0].to_string(), r#"key 0 ("a \"b") is symmetric"#);
    }

    #[test]
    fn what_is_not_a_set_is_refused() {
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>", r#"{"keys":[]} x"#] {
            assert_eq!(KeySet::from_json(text).unwrap_err(), InvalidKeySet::NotASet, "{text}");
        }
        let empty = KeySet::from_json(r#"{"keys":[]}"#).unwrap_err();
        assert_eq!(empty.to_string(), "it has no key that verifies tokens");
        let symmetric = read(&[json!({"kty": "oct", "k": "AAAA"})]).unwrap_err();
        assert_eq!(symmetric.to_string(), "it has no key that verifies tokens: key 0 is symmetric");
        let (_, rsa) = rsa();
        assert!(read(&vec![rsa.clone(); JWK_SET_KEYS_MAX]).is_ok());
        let many = read(&vec![rsa; JWK_SET_KEYS_MAX + 1]).unwrap_err();
        assert_eq!(many, InvalidKeySet::TooMany(JWK_SET_KEYS_MAX + 1));
    }
}
