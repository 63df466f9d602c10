//! Which schemes a text is examined for.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::Failure;
use super::super::progress::Progress;
use super::inputs::{LedgerPart, Rosters, WrittenControls};
use crate::forensics::corpus::{Corpus, CountedTokens, FieldPath, count_tokens, read_texts};
use crate::forensics::detect::LexicalSites;
use crate::forensics::evidence::Decoys;
use crate::forensics::examination::tokens::{Scheme, TokenSample, read_schemes};
use crate::forensics::examination::{Issuance, Refused, SchemeTests};
use crate::mark::keys::Keys;

/// The scheme whose sites are words of the text.
const LEXICAL: &str = "lexical";

/// The names that `--scheme` takes.
const NAMES: [&str; 11] = [
    LEXICAL,
    "sglang",
    "vllm",
    "vllm-dual",
    "vllm-sbw",
    "kgw-lefthash",
    "kgw-selfhash",
    "synthid",
    "synthid-main",
    "logit-bias",
    "green-table",
];

#[derive(Debug, Args)]
pub(super) struct SchemeArguments {
    /// Marks on tokens to look for, with their settings and tokenizers (TOML; docs/verify.md)
    #[arg(long, value_name = "FILE")]
    schemes: Option<PathBuf>,
    /// Only this one of the schemes; may be repeated [default: lexical and all of --schemes]
    #[arg(long, value_name = "NAME", value_parser = NAMES)]
    scheme: Vec<String>,
}

/// The schemes to examine a text for.
pub(super) struct Schemes {
    /// Whether the words of the text are looked at.
    pub(super) lexical: bool,
    /// Marks on tokens, with those whose keys are tested.
    tokens: Vec<(Scheme, Rosters)>,
    /// What counts depend on, in the words of a plan.
    pub(super) rules: String,
}

impl SchemeArguments {
    pub(super) fn read(
        &self,
        keys: &Keys,
        ledger: Option<&Path>,
        part: LedgerPart,
    ) -> Result<Schemes, Failure> {
        let wanted =
            |name: &str| self.scheme.is_empty() || self.scheme.iter().any(|scheme| scheme == name);
        let mut listed = self.schemes.as_deref().map_or(Ok(Vec::new()), read_schemes)?;
        for name in self.scheme.iter().filter(|name| *name != LEXICAL) {
            if !listed.iter().any(|scheme| scheme.name() == name) {
                return Err(match &self.schemes {
                    None => format!("--scheme {name}: its settings are missing; see --schemes"),
                    Some(path) => format!("--scheme {name}: {} does not have it", path.display()),
                }
                .into());
            }
        }
        listed.retain(|scheme| wanted(scheme.name()));
        let mut tokens = Vec::new();
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
            tokens.push((scheme, rosters));
        }
        let lexical = wanted(LEXICAL);
        let rules = self.rules(keys, lexical, &tokens)?;
        Ok(Schemes { lexical, tokens, rules })
    }

    /// Lexicon and tokenizers, and a digest of the settings. It is keyed with the master: some keys
    /// of servers are small numbers, and a plan is published.
    fn rules(
        &self,
        keys: &Keys,
        lexical: bool,
        tokens: &[(Scheme, Rosters)],
    ) -> Result<String, Failure> {
        let mut rules = Vec::new();
        if lexical {
            // As they were before there was a second scheme, where it is not used.
            let newest = keys.epochs().iter().rfind(|epoch| epoch.scheme.keeps_law());
            rules.push(newest.map_or_else(LexicalSites::rules, |epoch| keys.rules(epoch.number)));
        }
        rules.extend(
            tokens.iter().map(|(scheme, _)| format!("{}: {}", scheme.name(), scheme.rules())),
        );
        if let (Some(path), false) = (&self.schemes, tokens.is_empty()) {
            let content =
                std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let digest = blake3::keyed_hash(keys.master(), &content).to_hex();
            rules.push(format!("settings {}", digest.get(..16).unwrap_or_default()));
        }
        Ok(rules.join("; "))
    }
}

impl Schemes {
    /// Whose keys are tested by the schemes on tokens.
    pub(super) fn issuances(&self) -> impl Iterator<Item = &Issuance> + Clone {
        self.tokens.iter().flat_map(|(_, rosters)| &rosters.issuances)
    }

    /// Whether any of them tests clusters.
    pub(super) fn has_clusters(&self) -> bool {
        self.tokens.iter().any(|(_, rosters)| rosters.has_clusters())
    }

    /// Whether there is a scheme on tokens.
    pub(super) fn on_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Reads the texts in the tokens of each scheme, and tests them.
    pub(super) fn test(
        &self,
        texts: &Texts<'_>,
        decoys: &Decoys,
    ) -> Result<(Vec<SchemeTests>, Vec<Refused>), Failure> {
        let (mut tests, mut refusals) = (Vec::new(), Vec::new());
        if self.tokens.is_empty() {
            return Ok((tests, refusals));
        }
        let prompts = read_texts(texts.prompts, texts.field)?;
        for (scheme, rosters) in &self.tokens {
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

/// What is read.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a> {
    pub(super) suspect: &'a Corpus,
    pub(super) controls: &'a WrittenControls,
    pub(super) prompts: &'a [PathBuf],
    pub(super) field: Option<&'a FieldPath>,
}
