//! The containers and blobs that a request may name: a stored one is a bound, unless the settings allow others.

use locum_plugin::AllowedNames;
use locum_plugin::prelude::*;

use crate::Parameters;
use crate::name::{BlobName, ContainerName};
use crate::sas::Resource;

/// What of the account requests may be given access to.
pub(crate) struct Bounds {
    pub(crate) container: Option<ContainerName>,
    pub(crate) allowed_containers: AllowedNames,
    pub(crate) blob: Option<BlobName>,
    pub(crate) allowed_blobs: AllowedNames,
}

impl Bounds {
    /// The stored resource, or the one that the request names and may name.
    pub(crate) fn resource(&self, parameters: &Parameters) -> Result<Resource, Failure> {
        Ok(Resource {
            container: self.container(parameters.container_name.as_deref())?,
            blob: self.blob(parameters.blob_name.as_deref())?,
        })
    }

    fn container(&self, named: Option<&str>) -> Result<ContainerName, Failure> {
        let refused = |why: &str| Failure::parameter("containerName", why);
        let Some(named) = named else {
            return self.container.clone().ok_or_else(|| refused("name a container: none is configured"));
        };
        let named = ContainerName::parse(named).map_err(refused)?;
        let name = named.as_str();
        let may_be_named = match &self.container {
            Some(stored) if *stored == named => true,
            // Logs and websites are not meant by a prefix or by "any": they hold what nobody chose to share.
            _ if named.is_system() => self.allowed_containers.lists(name),
            None if self.allowed_containers.is_empty() => true,
            _ => self.allowed_containers.allows(name),
        };
        if may_be_named { Ok(named) } else { Err(refused("this container may not be asked for")) }
    }

    /// `None` for the whole container.
    fn blob(&self, named: Option<&str>) -> Result<Option<BlobName>, Failure> {
        let refused = |why: &str| Failure::parameter("blobName", why);
        let is_unbounded =
            self.blob.is_none() && (self.allowed_blobs.is_empty() || self.allowed_blobs.allows_any());
        let Some(named) = named else {
            return match &self.blob {
                None if !is_unbounded => {
                    Err(refused("name a blob: only some blobs of the container are allowed"))
                }
                stored => Ok(stored.clone()),
            };
        };
        let named = BlobName::parse(named).map_err(refused)?;
        if is_unbounded || self.blob.as_ref() == Some(&named) || self.allowed_blobs.allows(named.as_str()) {
            Ok(Some(named))
        } else {
            Err(refused("this blob may not be asked for"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(entries: &[&str], any: bool) -> AllowedNames {
        AllowedNames::new(&entries.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>(), any).unwrap()
    }

    fn bounds(container: Option<&str>, blob: Option<&str>) -> Bounds {
        Bounds {
            container: container.map(|name| ContainerName::parse(name).unwrap()),
            allowed_containers: AllowedNames::default(),
            blob: blob.map(|name| BlobName::parse(name).unwrap()),
            allowed_blobs: AllowedNames::default(),
        }
    }

    fn resource(bounds: &Bounds, container: &str, blob: &str) -> Result<(String, String), String> {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let parameters = Parameters { container_name: text(container), blob_name: text(blob) };
        let resource = bounds.resource(&parameters).map_err(|failure| failure.pointer.unwrap())?;
        let blob = resource.blob.map(|blob| blob.as_str().to_owned()).unwrap_or_default();
        Ok((resource.container.as_str().to_owned(), blob))
    }

    fn accepted(container: &str, blob: &str) -> Result<(String, String), String> {
        Ok((container.to_owned(), blob.to_owned()))
    }

    fn refused(parameter: &str) -> Result<(String, String), String> {
        Err(format!("/{parameter}"))
    }

    #[test]
    fn a_stored_container_and_a_stored_blob_are_bounds() {
        let bounds = bounds(Some("stored"), Some("a.txt"));
        assert_eq!(resource(&bounds, "", ""), accepted("stored", "a.txt"));
        assert_eq!(resource(&bounds, "stored", "a.txt"), accepted("stored", "a.txt"));
        assert_eq!(resource(&bounds, "other", "a.txt"), refused("containerName"));
        for other in ["b.txt", "A.txt", "a.txt.", "a.txt/", "/a.txt", "a%2Etxt"] {
            assert_eq!(resource(&bounds, "", other), refused("blobName"), "{other}");
        }
    }

    #[test]
    fn where_nothing_is_stored_the_request_names_the_container_and_may_name_any_blob() {
        let bounds = bounds(None, None);
        assert_eq!(resource(&bounds, "", ""), refused("containerName"));
        assert_eq!(resource(&bounds, "other", ""), accepted("other", ""));
        assert_eq!(resource(&bounds, "other", "b"), accepted("other", "b"));
    }

    #[test]
    fn an_allowed_container_can_be_named_and_a_similar_one_cannot() {
        for stored in [Some("stored"), None] {
            let bounds =
                Bounds { allowed_containers: allowed(&["news", "reports-*"], false), ..bounds(stored, None) };
            for good in ["news", "reports-2026"] {
                assert_eq!(resource(&bounds, good, ""), accepted(good, ""));
            }
            for bad in ["news2", "reports", "other"] {
                assert_eq!(resource(&bounds, bad, ""), refused("containerName"), "{bad}");
            }
        }
    }

    #[test]
    fn any_container_can_be_named_if_the_settings_say_so() {
        let bounds = Bounds { allowed_containers: allowed(&[], true), ..bounds(Some("stored"), None) };
        assert_eq!(resource(&bounds, "other", ""), accepted("other", ""));
    }

    #[test]
    fn a_system_container_can_be_named_only_if_its_own_name_is_stored_or_listed() {
        for system in ["$web", "$logs", "$root"] {
            let stored = bounds(Some(system), None);
            assert_eq!(resource(&stored, system, ""), accepted(system, ""));
            let listed =
                Bounds { allowed_containers: allowed(&[system], false), ..bounds(Some("stored"), None) };
            assert_eq!(resource(&listed, system, ""), accepted(system, ""));
            let unbounded = [
                bounds(None, None),
                Bounds { allowed_containers: allowed(&[], true), ..bounds(None, None) },
                Bounds { allowed_containers: allowed(&["$*"], false), ..bounds(None, None) },
            ];
            for bounds in unbounded {
                assert_eq!(resource(&bounds, system, ""), refused("containerName"), "{system}");
            }
        }
    }

    #[test]
    fn an_allowed_blob_can_be_named_and_no_blob_beside_it() {
        let bounds = Bounds {
            allowed_blobs: allowed(&["b.txt", "public/*"], false),
            ..bounds(Some("stored"), Some("a.txt"))
        };
        for good in ["a.txt", "b.txt", "public/x", "public//x", "public/%2e%2e/x"] {
            assert_eq!(resource(&bounds, "", good), accepted("stored", good));
        }
        for bad in ["c.txt", "public", "public/../a", "publics/x", "/public/x"] {
            assert_eq!(resource(&bounds, "", bad), refused("blobName"), "{bad}");
        }
        let any = Bounds { allowed_blobs: allowed(&[], true), ..bounds };
        assert_eq!(resource(&any, "", "c.txt"), accepted("stored", "c.txt"));
    }

    #[test]
    fn a_list_of_blobs_does_not_allow_the_whole_container() {
        let listed = Bounds { allowed_blobs: allowed(&["b.txt"], false), ..bounds(Some("stored"), None) };
        assert_eq!(resource(&listed, "", ""), refused("blobName"));
        assert_eq!(resource(&listed, "", "b.txt"), accepted("stored", "b.txt"));
        assert_eq!(resource(&listed, "", "c.txt"), refused("blobName"));
        assert_eq!(resource(&bounds(Some("stored"), None), "", ""), accepted("stored", ""));
    }
}
