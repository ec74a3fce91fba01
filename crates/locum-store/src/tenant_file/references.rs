//! `${env:NAME}` and `${file:PATH}`: values that a tenant file takes from elsewhere. `${dollar}` is a `$`.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use locum_abi::secret::Secret;
use zeroize::Zeroizing;

use crate::tenant_file::field_error::FieldError;
use crate::tenant_file::node::{Member, Node, NodeId, NodeValue, Position};
use crate::text_file;

/// Largest file that a reference may name, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// How a text says `${` itself. `$${` would not do: files in which it stands before a reference have had another meaning.
const ESCAPED: &str = "${dollar}{";

/// The text as a tenant file has it, so that nothing in it is a reference; `None` if it is the same.
pub(crate) fn escaped(text: &str) -> Option<String> {
    text.contains("${").then(|| text.replace("${", ESCAPED))
}

/// The environment and the folder that references are resolved against.
pub struct References<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    base: PathBuf,
    files_read: RefCell<Vec<PathBuf>>,
}

impl<'a> References<'a> {
    /// `environment` gives the value of `${env:NAME}`; the paths of `${file:PATH}` are relative to `base`.
    pub fn new(environment: &'a dyn Fn(&str) -> Option<String>, base: impl Into<PathBuf>) -> Self {
        Self { environment, base: base.into(), files_read: RefCell::default() }
    }

    /// A text with its references replaced, for files that are not tenant files.
    ///
    /// # Errors
    /// Which reference cannot be resolved, and the remedy.
    pub fn resolve(&self, text: &str) -> Result<Secret, String> {
        Ok(self.filled(text)?.map_or_else(|| Secret::from(text), |filled| Secret::from(filled.as_str())))
    }

    /// Replaces the references in every text of the document. A value whose references cannot be resolved stays as it
    /// is.
    pub(super) fn fill(&self, document: &mut Node) -> Vec<UnresolvedReference> {
        let mut unresolved = Vec::new();
        let innermost = document.id();
        self.fill_below(document, &mut String::new(), innermost, &mut unresolved);
        unresolved
    }

    fn fill_below(
        &self,
        node: &mut Node,
        pointer: &mut String,
        member: NodeId,
        unresolved: &mut Vec<UnresolvedReference>,
    ) {
        let length = pointer.len();
        match &mut node.value {
            NodeValue::Text(text) => match self.filled(text) {
                Ok(None) => {}
                Ok(Some(filled)) => *text = filled,
                Err(message) => {
                    unresolved.push(UnresolvedReference {
                        error: FieldError::new(pointer.as_str(), message),
                        position: node.position,
                        member,
                    });
                }
            },
            NodeValue::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    pointer.push_str(&format!("/{index}"));
                    self.fill_below(item, pointer, member, unresolved);
                    pointer.truncate(length);
                }
            }
            NodeValue::Mapping(members) => {
                for Member { name, node, .. } in members {
                    pointer.push('/');
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    let member = node.id();
                    self.fill_below(node, pointer, member, unresolved);
                    pointer.truncate(length);
                }
            }
            NodeValue::Null
            | NodeValue::Bool(_)
            | NodeValue::Unsigned(_)
            | NodeValue::Signed(_)
            | NodeValue::Float(_) => {}
        }
    }

    /// The text with its references replaced; `None` if it has none. References in a replacement stay as they are.
    fn filled(&self, text: &str) -> Result<Option<Zeroizing<String>>, String> {
        if !text.contains("${") {
            return Ok(None);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (reference, after) = after
                .split_once('}')
                .ok_or("`${` has no `}`; close the reference, or write ${dollar}{ for the text `${`")?;
            parts.push(Zeroizing::new(before.to_owned()));
            parts.push(self.value(reference)?);
            rest = after;
        }
        // At once in its full size: a text that grows leaves copies of its beginning in memory.
        let length = parts.iter().map(|part| part.len()).sum::<usize>() + rest.len();
        let mut filled = Zeroizing::new(String::with_capacity(length));
        for part in &parts {
            filled.push_str(part);
        }
        filled.push_str(rest);
        Ok(Some(filled))
    }

    fn value(&self, reference: &str) -> Result<Zeroizing<String>, String> {
        if reference == "dollar" {
            return Ok(Zeroizing::new("$".to_owned()));
        }
        match reference.split_once(':') {
            Some(("env", name)) => (self.environment)(name).map(Zeroizing::new).ok_or_else(|| {
                format!("the environment variable {name} is not set; set it before starting locum")
            }),
            Some(("file", path)) => self.file(&self.base.join(path)),
            _ => Err("unknown kind of reference; write ${env:NAME} or ${file:PATH}, or ${dollar}{ for the text `${`".to_owned()),
        }
    }

    /// The file's text without its last newline, which editors add and secrets do not have.
    fn file(&self, path: &Path) -> Result<Zeroizing<String>, String> {
        let mut text = text_file::read(path, FILE_BYTES_MAX)
            .map_err(|error| format!("cannot read the file {}: {error}", path.display()))?;
        if text.ends_with('\n') {
            text.pop();
        }
        self.files_read.borrow_mut().push(path.to_owned());
        Ok(text)
    }

    /// The files that references named, in the order in which they were read.
    pub fn files_read(&self) -> Vec<PathBuf> {
        self.files_read.borrow().clone()
    }
}

/// A value whose references cannot be resolved.
pub(super) struct UnresolvedReference {
    pub(super) error: FieldError,
    pub(super) position: Position,
    /// The innermost member of a mapping that contains the value.
    pub(super) member: NodeId,
}
