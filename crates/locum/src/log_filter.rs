//! The filter of the log, from the environment variable `LOCUM_LOG`.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

const DEFAULT: &str = "info";

/// The filter, and what is wrong with `LOCUM_LOG` if it cannot be used; then the filter is the default.
pub(crate) fn from_environment() -> (EnvFilter, Option<String>) {
    match std::env::var("LOCUM_LOG") {
        Ok(text) => match parse(&text) {
            Ok(filter) => (filter, None),
            Err(why) => (EnvFilter::new(DEFAULT), Some(why)),
        },
        Err(std::env::VarError::NotPresent) => (EnvFilter::new(DEFAULT), None),
        Err(std::env::VarError::NotUnicode(_)) => {
            (EnvFilter::new(DEFAULT), Some(complaint("it is not UTF-8")))
        }
    }
}

/// The filter, or another default if there is none or it cannot be used.
pub(crate) fn from_environment_or(default: &str) -> EnvFilter {
    let given = std::env::var("LOCUM_LOG").ok().and_then(|text| parse(&text).ok());
    given.unwrap_or_else(|| EnvFilter::new(default))
}

fn parse(text: &str) -> Result<EnvFilter, String> {
    for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        // The library takes a misspelt level for the name of a target, and drops every other line.
        if !directive.contains('=') && directive.parse::<LevelFilter>().is_err() {
            return Err(complaint(&format!("`{directive}` is not a level")));
        }
    }
    EnvFilter::try_new(text).map_err(|_| complaint("it is not a filter"))
}

fn complaint(why: &str) -> String {
    format!(
        "LOCUM_LOG is ignored: {why}; write a level, such as warn, or levels of targets, such as info,plugin=debug"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_not_the_name_of_a_target() {
        for accepted in ["info", "WARN", "off", "warn,audit=info", "info,locum_host=debug", ""] {
            assert!(parse(accepted).is_ok(), "{accepted}");
        }
        for refused in ["wran", "info,debgu", "audit=inof"] {
            assert!(parse(refused).is_err(), "{refused}");
        }
        assert!(parse("wran").unwrap_err().contains("`wran` is not a level"));
    }
}
