//! What a profile says: how much of it is cryptography, and which functions cost most.

use std::fmt::Write as _;

use crate::instructions::callgrind::{Cost, Profile};

/// Parts of the names of aws-lc's inner loops, as they are for a processor without AVX-512 and SHA extensions.
const KERNELS: [&str; 9] = [
    "sha256_block_data_order",
    "sha512_block_data_order",
    "bn_mul",
    "bn_sqr",
    "bn_powerx",
    "bn_gather",
    "bn_scatter",
    "bignum_",
    "rsaz_",
];

/// Instructions of the cryptography's inner loops.
pub(super) fn kernels(profile: &Profile) -> u64 {
    let is_kernel = |name: &str| !name.contains("::") && KERNELS.iter().any(|part| name.contains(part));
    profile.functions.iter().filter(|(name, _)| is_kernel(name)).map(|(_, cost)| cost.own).sum()
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
            ("aws_lc_0_39_1_HMAC_Init_ex", 10, 100),
            ("mine::sha256_block_data_order", 1, 0),
        ]);
        assert_eq!(kernels(&profile), 100);
    }

    #[test]
    fn functions_are_listed_by_what_they_cost_with_and_without_calls() {
        let text = listing(&profile(&[("outer", 20, 400), ("inner", 400, 0), ("cheap", 1, 0)]), 2, 2);
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(' ')).map(str::trim).collect();
        assert_eq!(lines, ["210  outer", "200  inner", "200  inner", "10  outer"]);
    }
}
