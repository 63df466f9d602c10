//! Marks on the tokens of other people's models, as `--schemes` lists them.

use std::path::Path;

use super::super::Failure;
use super::super::progress::Progress;
use super::inputs::{LedgerPart, Rosters};
use super::schemes::Texts;
use crate::forensics::corpus::{Corpus, CountedTokens, count_tokens, read_texts};
use crate::forensics::evidence::Decoys;
use crate::forensics::examination::tokens::{Scheme, TokenSample, read_schemes};
use crate::forensics::examination::{Issuance, Refused, SchemeTests};
use crate::mark::keys::Keys;

/// The schemes on tokens to examine a text for, with those whose keys are tested.
pub(super) struct OnTokens(Vec<(Scheme, Rosters)>);

impl OnTokens {
    /// Reads those that a file of settings lists; where schemes are named, only these of them.
    pub(super) fn read(
        settings: Option<&Path>,
        named: Option<&[&str]>,
        keys: &Keys,
        ledger: Option<&Path>,
        part: LedgerPart,
    ) -> Result<Self, Failure> {
        let mut listed = settings.map_or(Ok(Vec::new()), read_schemes)?;
        let is_listed = |name: &str| listed.iter().any(|scheme| scheme.name() == name);
        if let Some(name) = named.into_iter().flatten().find(|name| !is_listed(name)) {
            return Err(match settings {
                None => format!("--scheme {name}: its settings are missing; see --schemes"),
                Some(path) => format!("--scheme {name}: {} does not have it", path.display()),
            }
            .into());
        }
        listed.retain(|scheme| named.is_none_or(|named| named.contains(&scheme.name())));
        let mut schemes = Vec::new();
        for scheme in listed {
            let rosters = match scheme.marked_by() {
                None => Rosters::default(),
                Some(marked_by) => Rosters::read(keys, marked_by, ledger, part)?,
            };
            let nobody = rosters.issuances.iter().all(|one| one.roster.accounts.is_empty());
            if scheme.has_keys_of_accounts() && nobody {
                let name = scheme.name();
                return Err(format!(
                    "scheme {name}: its keys are those of accounts, and the ledger has no account \
                     whose answers it marked"
                )
                .into());
            }
            schemes.push((scheme, rosters));
        }
        Ok(Self(schemes))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each with its tokenizer, in the words of a plan.
    pub(super) fn rules(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(scheme, _)| format!("{}: {}", scheme.name(), scheme.rules()))
    }

    /// Whose keys are tested.
    pub(super) fn issuances(&self) -> impl Iterator<Item = &Issuance> + Clone {
        self.0.iter().flat_map(|(_, rosters)| &rosters.issuances)
    }

    /// Whether any of them tests clusters.
    pub(super) fn has_clusters(&self) -> bool {
        self.0.iter().any(|(_, rosters)| rosters.has_clusters())
    }

    /// Reads the texts in the tokens of each scheme, and tests them.
    pub(super) fn test(
        &self,
        texts: &Texts<'_>,
        decoys: &Decoys,
    ) -> Result<(Vec<SchemeTests>, Vec<Refused>), Failure> {
        let (mut tests, mut refusals) = (Vec::new(), Vec::new());
        if self.is_empty() {
            return Ok((tests, refusals));
        }
        let prompts = read_texts(texts.prompts, texts.field)?;
        for (scheme, rosters) in &self.0 {
            let read = |what: &str, corpus: &Corpus| {
                let mut progress = Progress::new(&format!("{what} ({})", scheme.name()));
                let bytes = |bytes| progress.read(bytes);
                count_tokens(scheme, corpus, texts.field, &prompts, bytes)
            };
            let suspect = read("the suspect", texts.suspect)?;
            let controls: Vec<(&str, CountedTokens)> = texts
                .controls
                .iter()
                .map(|(name, corpus)| Ok::<_, Failure>((name.as_str(), read(name, corpus)?)))
                .collect::<Result<_, _>>()?;
            let samples: Vec<TokenSample<'_>> =
                controls.iter().map(|(name, counted)| sample(name, counted)).collect();
            let (tested, more) =
                scheme.test(&rosters.issuances, sample("suspect", &suspect), &samples, decoys);
            tests.push(tested);
            refusals.extend(more);
        }
        Ok((tests, refusals))
    }
}

fn sample<'a>(name: &'a str, counted: &'a CountedTokens) -> TokenSample<'a> {
    let CountedTokens { counted, material } = counted;
    TokenSample { name, counted, material }
}
