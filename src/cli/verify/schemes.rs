//! Which schemes a text is examined for.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::Failure;
use super::inputs::{LedgerPart, WrittenControls};
use super::on_tokens::OnTokens;
use crate::forensics::corpus::{Corpus, FieldPath};
use crate::forensics::detect::LexicalSites;
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
    /// Marks on tokens.
    pub(super) tokens: OnTokens,
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
        let lexical = self.scheme.is_empty() || self.scheme.iter().any(|name| name == LEXICAL);
        let named: Vec<&str> =
            self.scheme.iter().map(String::as_str).filter(|name| *name != LEXICAL).collect();
        let named = (!self.scheme.is_empty()).then_some(&named[..]);
        let tokens = OnTokens::read(self.schemes.as_deref(), named, keys, ledger, part)?;
        let rules = self.rules(keys, lexical, &tokens)?;
        Ok(Schemes { lexical, tokens, rules })
    }

    /// Lexicon and tokenizers, and a digest of the settings. It is keyed with the master: some keys
    /// of servers are small numbers, and a plan is published.
    fn rules(&self, keys: &Keys, lexical: bool, tokens: &OnTokens) -> Result<String, Failure> {
        let mut rules = Vec::new();
        if lexical {
            // As they were before there was a second scheme, where it is not used.
            let newest = keys.epochs().iter().rfind(|epoch| epoch.scheme.keeps_law());
            rules.push(newest.map_or_else(LexicalSites::rules, |epoch| keys.rules(epoch.number)));
        }
        rules.extend(tokens.rules());
        if let (Some(path), false) = (&self.schemes, tokens.is_empty()) {
            let content =
                std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let digest = blake3::keyed_hash(keys.master(), &content).to_hex();
            rules.push(format!("settings {}", digest.get(..16).unwrap_or_default()));
        }
        Ok(rules.join("; "))
    }
}

/// What is read.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a> {
    pub(super) suspect: &'a Corpus,
    pub(super) controls: &'a WrittenControls,
    #[cfg_attr(
        not(feature = "tokenizers"),
        expect(dead_code, reason = "they are the contexts of tokens")
    )]
    pub(super) prompts: &'a [PathBuf],
    pub(super) field: Option<&'a FieldPath>,
}
