//! In place of marks on tokens, in a build without tokenizers: says so where one is asked for.

use std::path::Path;

use super::super::Failure;
use super::inputs::LedgerPart;
use super::schemes::Texts;
use crate::forensics::evidence::Decoys;
use crate::forensics::examination::{Issuance, Refused, SchemeTests};
use crate::mark::keys::Keys;

/// The schemes on tokens that this build can examine a text for: none.
pub(super) struct OnTokens;

impl OnTokens {
    /// Refuses whatever asks for a scheme on tokens.
    pub(super) fn read(
        settings: Option<&Path>,
        named: Option<&[&str]>,
        _: &Keys,
        _: Option<&Path>,
        _: LedgerPart,
    ) -> Result<Self, Failure> {
        let asked = match (settings, named) {
            (_, Some([name, ..])) => format!("--scheme {name}"),
            (Some(path), None) => format!("--schemes {}", path.display()),
            (_, Some([])) | (None, None) => return Ok(Self),
        };
        Err(format!(
            "{asked}: this build cannot read tokens; marks on them need the feature `tokenizers` \
             (cargo build --release --features tokenizers)"
        )
        .into())
    }

    pub(super) fn is_empty(&self) -> bool {
        true
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = String> {
        std::iter::empty()
    }

    pub(super) fn issuances(&self) -> impl Iterator<Item = &Issuance> + Clone {
        std::iter::empty()
    }

    pub(super) fn has_clusters(&self) -> bool {
        false
    }

    pub(super) fn test(
        &self,
        _: &Texts<'_>,
        _: &Decoys,
    ) -> Result<(Vec<SchemeTests>, Vec<Refused>), Failure> {
        Ok((Vec::new(), Vec::new()))
    }
}
