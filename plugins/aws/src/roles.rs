//! Chooses the role and the SAML provider of a request. A request may choose only as far as the settings permit.

use locum_plugin::AllowedNames;
use locum_plugin::prelude::*;

use crate::arn::IamArn;
use crate::partition::Partition;

/// The roles that an add-on may be used for.
pub(crate) struct Roles {
    pub(crate) partition: Partition,
    pub(crate) stored: Option<IamArn>,
    pub(crate) principal: Option<IamArn>,
    /// Roles that a request may choose besides the stored one.
    pub(crate) allowed: AllowedNames,
}

/// The role and the SAML provider of one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) role: IamArn,
    /// The SAML provider. Web identities need none.
    pub(crate) principal: Option<IamArn>,
}

impl Roles {
    /// The stored role and principal, or those that the request chooses and may choose.
    pub(crate) fn chosen(&self, role: Option<&str>, principal: Option<&str>) -> Result<Chosen, Failure> {
        let role = match role {
            Some(named) => self.named_role(named)?,
            None => self
                .stored
                .clone()
                .ok_or_else(|| Failure::parameter("role", "name a role: none is configured"))?,
        };
        let principal = match principal {
            Some(named) => {
                Some(IamArn::saml_provider(named).map_err(|why| Failure::parameter("principal", why))?)
            }
            None => self.principal.clone(),
        };
        // A role trusts only SAML providers of its own account.
        if principal.as_ref().is_some_and(|principal| principal.account() != role.account()) {
            return Err(Failure::parameter("principal", "role and principal are of different accounts"));
        }
        Ok(Chosen { role, principal })
    }

    fn named_role(&self, named: &str) -> Result<IamArn, Failure> {
        let role = IamArn::role(named).map_err(|why| Failure::parameter("role", why))?;
        let may_be_named = self.stored.as_ref() == Some(&role) || self.allowed.allows(role.as_str());
        if may_be_named && role.partition() == self.partition {
            Ok(role)
        } else {
            Err(Failure::parameter("role", "this role may not be asked for"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = "arn:aws:iam::123456789012:role/stored";
    const LISTED: &str = "arn:aws:iam::123456789012:role/listed";
    const OTHER: &str = "arn:aws:iam::999999999999:role/other";
    const PRINCIPAL: &str = "arn:aws:iam::123456789012:saml-provider/locum";
    const SECOND: &str = "arn:aws:iam::123456789012:saml-provider/second";
    const FOREIGN: &str = "arn:aws:iam::999999999999:saml-provider/locum";

    fn roles(allowed: &[&str], any: bool) -> Roles {
        Roles {
            partition: Partition::Commercial,
            stored: Some(IamArn::role(STORED).unwrap()),
            principal: Some(IamArn::saml_provider(PRINCIPAL).unwrap()),
            allowed: AllowedNames::new(&allowed.iter().map(|&role| role.to_owned()).collect::<Vec<_>>(), any)
                .unwrap(),
        }
    }

    fn chosen(
        roles: &Roles,
        role: Option<&str>,
        principal: Option<&str>,
    ) -> Result<(String, String), String> {
        match roles.chosen(role, principal) {
            Ok(chosen) => {
                Ok((chosen.role.as_str().to_owned(), chosen.principal.unwrap().as_str().to_owned()))
            }
            Err(failure) => Err(failure.pointer.unwrap()),
        }
    }

    fn pair(role: &str, principal: &str) -> Result<(String, String), String> {
        Ok((role.to_owned(), principal.to_owned()))
    }

    #[test]
    fn without_a_list_a_request_can_use_only_the_stored_role() {
        let roles = roles(&[], false);
        assert_eq!(chosen(&roles, None, None), pair(STORED, PRINCIPAL));
        assert_eq!(chosen(&roles, Some(STORED), Some(PRINCIPAL)), pair(STORED, PRINCIPAL));
        assert_eq!(chosen(&roles, Some(LISTED), None), Err("/role".to_owned()));
        assert_eq!(chosen(&roles, Some(OTHER), Some(FOREIGN)), Err("/role".to_owned()));
    }

    #[test]
    fn a_listed_role_can_be_chosen_and_a_similar_one_cannot() {
        let roles = roles(&[LISTED], false);
        assert_eq!(chosen(&roles, Some(LISTED), None), pair(LISTED, PRINCIPAL));
        assert_eq!(chosen(&roles, Some(&format!("{LISTED}2")), None), Err("/role".to_owned()));
        assert_eq!(
            chosen(&roles, Some(&LISTED.replace("role/", "role/listed/")), None),
            Err("/role".to_owned())
        );
    }

    #[test]
    fn roles_can_be_allowed_by_the_start_of_their_arns() {
        let roles = roles(&["arn:aws:iam::123456789012:role/team/li*"], false);
        let named = |name: &str| chosen(&roles, Some(&format!("arn:aws:iam::{name}")), None);
        for good in ["123456789012:role/team/listed", "123456789012:role/team/li/sted"] {
            assert_eq!(named(good), pair(&format!("arn:aws:iam::{good}"), PRINCIPAL));
        }
        for bad in ["123456789012:role/listed", "123456789012:role/team/xli", "999999999999:role/team/listed"]
        {
            assert_eq!(named(bad), Err("/role".to_owned()), "{bad}");
        }
    }

    #[test]
    fn any_role_of_the_partition_can_be_chosen_if_the_settings_say_so() {
        let roles = roles(&[], true);
        assert_eq!(chosen(&roles, Some(OTHER), Some(FOREIGN)), pair(OTHER, FOREIGN));
        assert_eq!(
            chosen(&roles, Some("arn:aws-cn:iam::999999999999:role/other"), Some(FOREIGN)),
            Err("/role".to_owned())
        );
    }

    #[test]
    fn role_and_principal_are_of_the_same_account() {
        let roles = roles(&[OTHER], false);
        assert_eq!(chosen(&roles, None, Some(SECOND)), pair(STORED, SECOND));
        assert_eq!(chosen(&roles, None, Some(FOREIGN)), Err("/principal".to_owned()));
        assert_eq!(chosen(&roles, Some(OTHER), None), Err("/principal".to_owned()));
        assert_eq!(chosen(&roles, Some(OTHER), Some(FOREIGN)), pair(OTHER, FOREIGN));
        assert_eq!(chosen(&roles, None, Some("locum")), Err("/principal".to_owned()));
    }

    #[test]
    fn without_a_stored_role_the_request_must_choose_one() {
        let roles = Roles { stored: None, ..roles(&[LISTED], false) };
        assert_eq!(chosen(&roles, None, None), Err("/role".to_owned()));
        assert_eq!(chosen(&roles, Some(LISTED), None), pair(LISTED, PRINCIPAL));
    }
}
