//! Snake case: some SDKs and profiles write `container_name` for `containerName`.

/// The name with an underscore before each capital letter, in lower case.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 2);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capital_letter_begins_a_word() {
        for (name, snake) in [
            ("containerName", "container_name"),
            ("Name", "name"),
            ("plain", "plain"),
            ("a_b", "a_b"),
            ("", ""),
        ] {
            assert_eq!(snake_case(name), snake);
        }
    }
}
