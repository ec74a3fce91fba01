//! JSON pointers (RFC 6901).

/// The pointer to the member of this name in the object at `pointer`.
pub(crate) fn member(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pointer_finds_the_member_it_was_made_for() {
        for name in ["plain", "", "a/b", "a~b", "~1", "~/~"] {
            let object = json!({"outer": {name: true}});
            assert_eq!(object.pointer(&member("/outer", name)), Some(&json!(true)), "{name}");
        }
    }
}
