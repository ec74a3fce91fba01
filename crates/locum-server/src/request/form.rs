//! Form bodies and query strings: percent-decoding that refuses what it would have to guess.

use std::borrow::Cow;

use locum_engine::strict_json::{Members, Node};
use locum_engine::{Refusal, RefusalKind, mask_tokens};

/// Longest part of a parameter's name that an error repeats, in characters.
const NAME_SHOWN_MAX: usize = 64;

/// The parameters of a form, in their order (URL Standard, `application/x-www-form-urlencoded`; `+` is a blank).
///
/// `a[]=1&a[]=2` is the list `a`, as auth0.js 7 writes one.
///
/// # Errors
/// A broken escape, text that is not UTF-8, a parameter without a name, one that is given twice, or too many. `repeated`
/// says what kind of refusal the second is.
pub(crate) fn parse(
    text: &[u8],
    parameters_max: usize,
    repeated: fn(&str) -> RefusalKind,
) -> Result<Members<'_>, Refusal> {
    let mut parameters = Members::default();
    let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    for (count, pair) in pairs.enumerate() {
        if count == parameters_max {
            return Err(too_many(parameters_max));
        }
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default())?;
        let value = decode(halves.next().unwrap_or_default())?;
        let value = Node::Text(value);
        match name.strip_suffix("[]") {
            None => add(&mut parameters, name, value, repeated)?,
            Some(list) => match parameters.get_mut(list) {
                Some(Node::List(items)) => items.push(value),
                _ => add(&mut parameters, Cow::Owned(list.to_owned()), Node::List(vec![value]), repeated)?,
            },
        }
    }
    Ok(parameters)
}

fn add<'a>(
    parameters: &mut Members<'a>,
    name: Cow<'a, str>,
    value: Node<'a>,
    repeated: fn(&str) -> RefusalKind,
) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::invalid_request("a parameter has no name"));
    }
    parameters.add(name, value).map_err(|name| Refusal::new(repeated(&name), twice(&name)))
}

/// The refusal of more parameters than are read.
pub(crate) fn too_many(parameters_max: usize) -> Refusal {
    Refusal::invalid_request(format!("send at most {parameters_max} parameters"))
}

fn twice(name: &str) -> String {
    let shown: String = mask_tokens(name).escape_default().take(NAME_SHOWN_MAX).collect();
    format!("the parameter {shown} was sent twice")
}

/// The text that is encoded so.
///
/// # Errors
/// A broken escape, and what is not UTF-8.
pub(crate) fn decode(encoded: &[u8]) -> Result<Cow<'_, str>, Refusal> {
    let not_utf8 = || Refusal::invalid_request("parameters must be UTF-8");
    if !encoded.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return std::str::from_utf8(encoded).map(Cow::Borrowed).map_err(|_| not_utf8());
    }
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter();
    while let Some(&byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => escaped(bytes.next(), bytes.next()).ok_or_else(|| {
                Refusal::invalid_request("a percent sign must be followed by two hex digits")
            })?,
            plain => plain,
        });
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| not_utf8())
}

fn escaped(high: Option<&u8>, low: Option<&u8>) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high?)? * 16 + digit(low?)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn parsed(text: &str) -> Result<Value, String> {
        parse(text.as_bytes(), 5, |_| RefusalKind::InvalidRequest)
            .map(|parameters| Node::Object(parameters).to_value())
            .map_err(|refusal| refusal.description().to_owned())
    }

    #[test]
    fn escapes_blanks_and_empty_values_are_read() {
        assert_eq!(
            parsed("scope=openid+name&sub=a%7Cb%2B%C3%A9&api_type=&flag&&").unwrap(),
            json!({"scope": "openid name", "sub": "a|b+é", "api_type": "", "flag": ""})
        );
    }

    #[test]
    fn an_equals_sign_in_a_value_stays_there() {
        assert_eq!(parsed("id_token=a=b").unwrap(), json!({"id_token": "a=b"}));
    }

    #[test]
    fn a_broken_escape_is_refused() {
        for text in ["a=%", "a=%4", "a=%4g", "a=%+1", "%zz=a"] {
            assert_eq!(
                parsed(text).unwrap_err(),
                "a percent sign must be followed by two hex digits",
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_utf8_is_refused() {
        for text in ["a=%ff", "a=%c3", "%c0%af=1"] {
            assert_eq!(parsed(text).unwrap_err(), "parameters must be UTF-8", "{text}");
        }
        assert!(parse(b"a=\xe9", 5, |_| RefusalKind::InvalidRequest).is_err());
    }

    #[test]
    fn a_repeated_parameter_is_refused_however_it_is_encoded() {
        assert_eq!(parsed("scope=a&scope=a").unwrap_err(), "the parameter scope was sent twice");
        assert_eq!(parsed("scope=a&sc%6fpe=b").unwrap_err(), "the parameter scope was sent twice");
        assert!(parsed("scope=a&Scope=b").is_ok());
    }

    #[test]
    fn a_long_name_is_not_repeated_in_full() {
        let long = "n".repeat(10_000);
        assert!(parsed(&format!("{long}=&{long}=")).unwrap_err().len() < 128);
    }

    #[test]
    fn a_value_needs_a_name() {
        assert_eq!(parsed("=a").unwrap_err(), "a parameter has no name");
    }

    #[test]
    fn a_list_is_written_with_brackets() {
        assert_eq!(
            parsed("a[]=1&b=2&a%5b%5d=3&c[]=").unwrap(),
            json!({"a": ["1", "3"], "b": "2", "c": [""]})
        );
        assert_eq!(parsed("a[0]=1&a[b]=2").unwrap(), json!({"a[0]": "1", "a[b]": "2"}));
        assert_eq!(parsed("a[]=1&a=2").unwrap_err(), "the parameter a was sent twice");
        assert_eq!(parsed("a=1&a[]=2").unwrap_err(), "the parameter a was sent twice");
        assert_eq!(parsed("[]=1").unwrap_err(), "a parameter has no name");
        assert_eq!(parsed("a[]=&a[]=&a[]=&a[]=&a[]=&a[]=").unwrap_err(), "send at most 5 parameters");
    }

    #[test]
    fn parameters_up_to_the_limit_are_read() {
        assert!(parsed("a=&b=&c=&d=&e=").is_ok());
        assert_eq!(parsed("a=&b=&c=&d=&e=&f=").unwrap_err(), "send at most 5 parameters");
    }

    proptest! {
        #[test]
        fn decoding_reverses_encoding(name in "\\PC{1,8}", value in "\\PC{0,16}") {
            prop_assume!(!name.ends_with("[]"));
            let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
            for text in [format!("{}={}", encoded(&name), encoded(&value)), format!("{}=plain", encoded(&name))] {
                let parsed = parse(text.as_bytes(), 5, |_| RefusalKind::InvalidRequest).unwrap();
                let expected = if text.ends_with("plain") { "plain" } else { value.as_str() };
                prop_assert_eq!(parsed.get(&name).and_then(Node::as_text), Some(expected));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(text in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&text, 5, |_| RefusalKind::InvalidRequest);
        }
    }
}
