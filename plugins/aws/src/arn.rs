//! ARNs of roles and SAML providers. An ARN outside the grammar is refused and never corrected.

use crate::partition::Partition;

/// Longest ARN that STS accepts.
const ARN_BYTES_MAX: usize = 2048;

/// The ARN of a role or a SAML provider in IAM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IamArn {
    text: String,
    account: String,
    partition: Partition,
}

impl IamArn {
    /// A role, such as `arn:aws:iam::123456789012:role/path/name`.
    pub(crate) fn role(text: &str) -> Result<Self, &'static str> {
        Self::parse(text, "role/").ok_or("it is not an ARN such as arn:aws:iam::123456789012:role/name")
    }

    /// A SAML provider, such as `arn:aws:iam::123456789012:saml-provider/name`.
    pub(crate) fn saml_provider(text: &str) -> Result<Self, &'static str> {
        // Roles may have paths; SAML providers may not.
        Self::parse(text, "saml-provider/")
            .filter(|provider| provider.text.matches('/').count() == 1)
            .ok_or("it is not an ARN such as arn:aws:iam::123456789012:saml-provider/name")
    }

    fn parse(text: &str, kind: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let name = resource.strip_prefix(kind)?;
        let good = text.len() <= ARN_BYTES_MAX
            && (arn, service, region) == ("arn", "iam", "")
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && name.split('/').all(is_word);
        let partition = Partition::of_arn(partition).filter(|_| good)?;
        Some(Self { text: text.to_owned(), account: account.to_owned(), partition })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    pub(crate) fn partition(&self) -> Partition {
        self.partition
    }
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_and_partition_are_read_from_an_arn() {
        let role = IamArn::role("arn:aws-cn:iam::123456789012:role/team/name_+=,.@-").unwrap();
        assert_eq!((role.account(), role.partition()), ("123456789012", Partition::China));
        let provider = IamArn::saml_provider("arn:aws:iam::123456789012:saml-provider/locum").unwrap();
        assert_eq!((provider.account(), provider.partition()), ("123456789012", Partition::Commercial));
    }

    #[test]
    fn an_arn_with_one_field_outside_the_grammar_is_refused() {
        let bad = [
            "",
            "name",
            "arn:aws:iam::123456789012:user/name",
            "arn:aws:iam::12345678901:role/name",
            "arn:aws:iam::1234567890123:role/name",
            "arn:aws:iam::12345678901a:role/name",
            "arn:aws:iam:eu-west-1:123456789012:role/name",
            "arn:aws:sts::123456789012:role/name",
            "arn:aws-moon:iam::123456789012:role/name",
            "urn:aws:iam::123456789012:role/name",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role//name",
            "arn:aws:iam::123456789012:role/name/",
            "arn:aws:iam::123456789012:role/na me",
            "arn:aws:iam::123456789012:role/name,arn:aws:iam::1:role/x",
            "arn:aws:iam::123456789012:role/*",
            " arn:aws:iam::123456789012:role/name",
            "arn:aws:iam::123456789012:role/name\n",
        ];
        for bad in bad {
            assert!(IamArn::role(bad).is_err(), "{bad:?}");
        }
        assert!(IamArn::role(&format!("arn:aws:iam::123456789012:role/{}", "n".repeat(2048))).is_err());
        assert!(IamArn::saml_provider("arn:aws:iam::123456789012:saml-provider/a/b").is_err());
        assert!(IamArn::saml_provider("arn:aws:iam::123456789012:role/name").is_err());
    }
}
