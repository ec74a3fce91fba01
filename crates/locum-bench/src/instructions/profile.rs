//! What a profile says: how much of it is cryptography, and which functions cost most.

use std::fmt::Write as _;

use crate::instructions::callgrind::{Cost, Profile};

/// What the names of functions in plugins begin with.
pub(super) const IN_PLUGIN: &str = "plugin: ";

/// How the names of aws-lc's inner loops begin, as they are for a processor without AVX-512 and SHA extensions.
const KERNELS: [&str; 5] = ["sha256_block_", "sha512_block_", "bn_", "rsaz_", "RSAZ_"];

/// Instructions of the cryptography's inner loops.
pub(super) fn kernels(profile: &Profile) -> u64 {
    profile.functions.iter().filter(|(name, _)| is_kernel(name)).map(|(_, cost)| cost.own).sum()
}

/// Names are `bn_sqr8x_mont`, or with the library's version `aws_lc_0_47_0_bn_sqr8x_mont`, or of a plugin.
fn is_kernel(name: &str) -> bool {
    let name = name.strip_prefix(IN_PLUGIN).unwrap_or(name);
    let versioned = name.strip_prefix("aws_lc_");
    let name =
        versioned.map_or(name, |name| name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_'));
    KERNELS.iter().any(|kernel| name.starts_with(kernel))
}

/// The functions that cost most per request: with what they call, then alone.
pub(super) fn listing(profile: &Profile, requests: u64, functions: usize) -> String {
    let mut text = String::new();
    for (title, cost_of) in [
        ("with what it calls", (|cost| cost.own + cost.called) as fn(&Cost) -> u64),
        ("alone", |cost| cost.own),
    ] {
        let mut sorted: Vec<(u64, &str)> =
            profile.functions.iter().map(|(name, cost)| (cost_of(cost) / requests, name.as_str())).collect();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        // Writing into a string cannot fail.
        let _ = writeln!(text, "instructions per request of each function {title}:");
        for (instructions, name) in sorted.iter().take(functions) {
            let _ = writeln!(text, "{instructions:>10}  {name}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(functions: &[(&str, u64, u64)]) -> Profile {
        let cost = |&(name, own, called): &(&str, u64, u64)| (name.to_owned(), Cost { own, called });
        Profile { functions: functions.iter().map(cost).collect() }
    }

    #[test]
    fn only_inner_loops_of_the_cryptography_are_kernels() {
        let profile = profile(&[
            ("aws_lc_0_39_1_sha256_block_data_order_avx", 100, 0),
            ("plugin: sha256_block_data_order", 20, 0),
            ("bn_sqr8x_internal", 3, 0),
            ("aws_lc_0_39_1_HMAC_Init_ex", 1000, 100),
            ("mine::sha256_block_data_order", 2000, 0),
        ]);
        assert_eq!(kernels(&profile), 123);
    }

    #[test]
    fn functions_are_listed_by_what_they_cost_with_and_without_calls() {
        let text = listing(&profile(&[("outer", 20, 400), ("inner", 400, 0), ("cheap", 1, 0)]), 2, 2);
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(' ')).map(str::trim).collect();
        assert_eq!(lines, ["210  outer", "200  inner", "200  inner", "10  outer"]);
    }
}
