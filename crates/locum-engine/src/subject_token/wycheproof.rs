//! Wycheproof's vectors: what it says of each token, and what the code that verifies tokens says.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::{ClientSecret, PublicKeyAlgorithm};
use crate::subject_token::VerificationKey;
use crate::subject_token::key_set::KeySet;
use crate::subject_token::token::Jws;

const SIGNATURES: &str = include_str!("../../../../fixtures/wycheproof/json_web_signature_test.json");
const KEYS: &str = include_str!("../../../../fixtures/wycheproof/json_web_key_test.json");

#[derive(Deserialize)]
struct Vectors {
    #[serde(rename = "numberOfTests")]
    number_of_tests: usize,
    #[serde(rename = "testGroups")]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    comment: String,
    public: Option<Value>,
    private: Value,
    tests: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    #[serde(rename = "tcId")]
    id: u32,
    comment: String,
    jws: String,
    result: String,
}

/// The keys of a JWK or a JWK Set, read as those of an issuer; of a client with HS256, its secret.
fn keys(jwk: &Value) -> Vec<VerificationKey> {
    let set = if jwk.get("keys").is_some() { jwk.clone() } else { json!({ "keys": [jwk] }) };
    if let [only] = set["keys"].as_array().unwrap().as_slice()
        && only["alg"] == "HS256"
    {
        let secret = ClientSecret::new(&only["k"].as_str().unwrap().into(), true);
        return secret.iter().map(VerificationKey::hs256_of).collect();
    }
    let set = KeySet::from_json(&set.to_string()).unwrap_or_default();
    set.keys(&PublicKeyAlgorithm::ALL).cloned().collect()
}

fn is_accepted(jws: &str, keys: &[VerificationKey]) -> bool {
    let keys: Vec<&VerificationKey> = keys.iter().collect();
    Jws::read(jws, &mut Vec::new()).is_ok_and(|jws| jws.verify(&keys).is_ok())
}

/// What differs: file, vector, and what Wycheproof says.
fn differences(file: &str, text: &str) -> Vec<String> {
    let Vectors { number_of_tests, groups } = serde_json::from_str(text).unwrap();
    assert_eq!(groups.iter().map(|group| group.tests.len()).sum::<usize>(), number_of_tests);
    let mut differences = Vec::new();
    for Group { comment: group, public, private, tests } in groups {
        let keys = keys(public.as_ref().unwrap_or(&private));
        for Vector { id, comment, jws, result } in tests {
            if is_accepted(&jws, &keys) != (result == "valid") {
                differences.push(format!("{file} {id} {group} {comment}: {result}"));
            }
        }
    }
    differences
}

/// What Locum decides otherwise, by reason.
const DIFFERENCES: [(&str, &[&str]); 5] = [
    (
        "the algorithm is not supported: PS384, PS512, ES512, HS384, HS512",
        &[
            "jws 320 ps384 emptyPayload: valid",
            "jws 321 ps384 allZeroPayload: valid",
            "jws 322 ps384 oneBytePayload: valid",
            "jws 323 ps384 normalPayload: valid",
            "jws 325 ps512 emptyPayload: valid",
            "jws 326 ps512 allZeroPayload: valid",
            "jws 327 ps512 oneBytePayload: valid",
            "jws 328 ps512 normalPayload: valid",
            "jws 346 rfc7520 Figure20: valid",
            "jws 347 rfc7520 Figure27: valid",
            "jws 350 rfc7520WithKeyOps Figure20: valid",
            "jws 351 rfc7520WithKeyOps Figure27: valid",
            "jwk 14 HS384 long_key: valid",
            "jwk 15 HS512 long_key: valid",
        ],
    ),
    (
        "it is the token of vector 357, which is valid: the file contradicts itself",
        &[
            "jws 367 base64 invalidBase64Padding: invalid",
            "jws 370 base64 invalidBase64PaddingInPayload: invalid",
        ],
    ),
    (
        "a character that is not of base64url is never skipped (RFC 7515 section 2)",
        &[
            "jws 372 base64 InvalidCharacterInsertedInHeader: valid",
            "jws 373 base64 InvalidCharacterInsertedInPayload: valid",
        ],
    ),
    (
        "no set of symmetric keys is read: issuers publish public keys",
        &["jwk 2 jws_keyset acceptsValid: valid"],
    ),
    (
        "weak keys that an issuer or an operator chose are theirs to replace; `locum check` warns of short secrets",
        &[
            "jwk 7 jws_rsa_roca_key rejectsKeyWithRocaVulnerability: invalid",
            "jwk 10 HS256 key_too_short: invalid",
        ],
    ),
];

#[test]
fn every_vector_is_decided_as_wycheproof_says_or_listed_with_the_reason() {
    let mut found = [differences("jws", SIGNATURES), differences("jwk", KEYS)].concat();
    let mut listed: Vec<&str> = DIFFERENCES.iter().flat_map(|(_, vectors)| *vectors).copied().collect();
    found.sort();
    listed.sort_unstable();
    assert_eq!(found, listed);
}
