//! AWS's partitions, with their endpoints and sign-in pages.

/// A partition of AWS: it has its own accounts, endpoints and credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Partition {
    Commercial,
    GovCloud,
    China,
}

impl Partition {
    /// The partition with this name in ARNs.
    pub(crate) fn of_arn(name: &str) -> Option<Self> {
        match name {
            "aws" => Some(Self::Commercial),
            "aws-us-gov" => Some(Self::GovCloud),
            "aws-cn" => Some(Self::China),
            _ => None,
        }
    }

    /// The partition of a region such as `eu-west-1`, `us-gov-west-1` or `cn-north-1`; `None` for any other text.
    pub(crate) fn of_region(region: &str) -> Option<Self> {
        let mut parts = region.split('-').rev();
        let number = parts.next()?;
        let words: Vec<_> = parts.collect();
        let is_region = number.len() == 1
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && (2..=3).contains(&words.len())
            && words.iter().all(|word| {
                (2..=12).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase())
            });
        if !is_region {
            return None;
        }
        Some(match region {
            _ if region.starts_with("cn-") => Self::China,
            _ if region.starts_with("us-gov-") => Self::GovCloud,
            _ => Self::Commercial,
        })
    }

    /// The URL of STS in this region.
    pub(crate) fn endpoint(self, region: &str) -> String {
        match self {
            Self::Commercial | Self::GovCloud => format!("https://sts.{region}.amazonaws.com/"),
            Self::China => format!("https://sts.{region}.amazonaws.com.cn/"),
        }
    }

    /// The recipient and audience that STS demands in an assertion.
    pub(crate) const fn sign_in_url(self) -> &'static str {
        match self {
            Self::Commercial => "https://signin.aws.amazon.com/saml",
            Self::GovCloud => "https://signin.amazonaws-us-gov.com/saml",
            Self::China => "https://signin.amazonaws.cn/saml",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_belongs_to_its_partition() {
        let known = [
            ("eu-west-1", Partition::Commercial),
            ("ap-southeast-2", Partition::Commercial),
            ("us-gov-west-1", Partition::GovCloud),
            ("cn-north-1", Partition::China),
        ];
        for (region, partition) in known {
            assert_eq!(Partition::of_region(region), Some(partition), "{region}");
        }
    }

    #[test]
    fn a_text_that_could_change_the_host_name_is_not_a_region() {
        for bad in [
            "",
            "1",
            "eu-1",
            "eu-west",
            "eu-west-x",
            "eu-west-12",
            "eu.west-1",
            "EU-west-1",
            "a/b-c-1",
            "eu-west-1.evil",
            "a-b-c-d-e-1",
        ] {
            assert_eq!(Partition::of_region(bad), None, "{bad}");
        }
    }
}
