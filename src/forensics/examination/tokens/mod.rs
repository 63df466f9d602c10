//! Marks that act on tokens: what is read of a corpus for them, and their tests.
//!
//! [`Scheme`] is a mark with its settings and its tokenizer, from a file that [`read_schemes`]
//! reads. Where every account has a key of its own (SGLang, `logit_bias`) the accounts and clusters
//! of a ledger are tested; where one key marks all answers (vLLM and others), that key is.

mod file;
mod ids;
mod scores;

use std::collections::HashSet;

use serde::Deserialize;

use super::roster::{Issuance, MarkedBy};
use super::scheme::{Deployment, DeploymentEvidence, SchemeTests};
use super::verdict::{ControlKind, Issued, Material, Refused};
use crate::forensics::detect::{
    CellCounts, CellDocument, GreenKey, GreenTable, HuggingFaceKgw, KgwKey, LayerKeys, MISSING,
    Sbw, SglangGumbel, SglangKey, SynthIdMain, SynthIdTable, TokenDocument, TokenPairs,
    TokenScheme, TokenSites, VllmGumbel, VllmKey, Window,
};
use crate::forensics::evidence::{Decoys, Effect, least_of, test_tokens};
use crate::mark::tokenizer::Tokenizer;

pub use file::{SchemesError, SchemesProblem, read_schemes};
use ids::{Ids, control};
use scores::{PairScores, Scores, TokenScores};

/// The most sites that are kept of a corpus: some 300 MB.
const MAX_SITES: usize = 5_000_000;

/// Keys of nobody that a control of a server's own key is made of.
const NOBODY: u32 = 20;

/// A mark on tokens, with its settings.
#[derive(Debug)]
pub struct Scheme {
    name: &'static str,
    tokenizer: Tokenizer,
    kind: Kind,
}

/// Which mark, and whose key.
#[derive(Debug)]
enum Kind {
    /// With a key by hand, or with those of accounts.
    Sglang(SglangGumbel, Option<SglangKey>),
    Vllm(VllmGumbel, VllmKey),
    Sbw(Sbw, KeyOf),
    Kgw(HuggingFaceKgw, KgwKey),
    SynthIdTable(SynthIdTable, LayerKeys),
    SynthIdMain(SynthIdMain, LayerKeys),
    GreenTable(GreenTable),
    LogitBias(TokenPairs),
}

/// Whose key the proxy has a plugin mark with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeyOf {
    #[default]
    Deployment,
    Principal,
}

/// What a scheme counts of a corpus.
#[derive(Clone, Debug)]
pub enum TokenCounted {
    /// Tokens behind contexts.
    Sites(TokenSites),
    /// Variants of pairs.
    Pairs {
        /// How often each was seen.
        counts: CellCounts,
        /// Contexts of prompts that are left out everywhere.
        excluded: HashSet<u64>,
        /// Sites that were left out.
        prompted: u64,
    },
}

/// A document in tokens, made on any thread.
#[derive(Debug)]
pub enum TokenizedDocument {
    /// The answer and its prompts.
    Sites {
        /// The answer.
        answer: Vec<u32>,
        /// The prompts, with a gap between any two.
        prompt: Vec<u32>,
    },
    /// Variants of pairs, and sites that were left out.
    Pairs(CellDocument, u64),
}

/// A corpus as a scheme has counted it.
#[derive(Clone, Copy, Debug)]
pub struct TokenSample<'a> {
    /// Its name.
    pub name: &'a str,
    /// What was counted.
    pub counted: &'a TokenCounted,
    /// What was read.
    pub material: &'a Material,
}

impl Scheme {
    /// Its name in files, on the command line and in a verdict.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
    }

    /// What counts depend on: the tokenizer and the window of the scheme.
    #[must_use]
    pub fn rules(&self) -> String {
        let tokenizer = self.tokenizer.fingerprint();
        match self.window() {
            Some(Window { tokens }) => format!("tokenizer {tokenizer}, context of {tokens} tokens"),
            None => format!("tokenizer {tokenizer}, pairs of single tokens"),
        }
    }

    /// Whose keys are tested: those of the key file for this carrier, or none but the one in the
    /// file of schemes.
    #[must_use]
    pub fn marked_by(&self) -> Option<MarkedBy> {
        match &self.kind {
            Kind::Sglang(_, None) => Some(MarkedBy::SGLANG),
            Kind::Sbw(..) => Some(MarkedBy::VLLM_XARGS),
            Kind::LogitBias(_) => Some(MarkedBy::LOGIT_BIAS),
            _ => None,
        }
    }

    /// Whether the keys are those of the accounts and clusters in a ledger.
    #[must_use]
    pub fn has_keys_of_accounts(&self) -> bool {
        matches!(
            self.kind,
            Kind::Sglang(_, None) | Kind::LogitBias(_) | Kind::Sbw(_, KeyOf::Principal)
        )
    }

    fn window(&self) -> Option<Window> {
        match &self.kind {
            Kind::Sbw(scheme, _) => Some(scheme.window()),
            Kind::Sglang(scheme, _) => Some(scheme.window()),
            Kind::Vllm(scheme, _) => Some(scheme.window()),
            Kind::Kgw(scheme, _) => Some(scheme.window()),
            Kind::SynthIdTable(scheme, _) => Some(scheme.window()),
            Kind::SynthIdMain(scheme, _) => Some(scheme.window()),
            Kind::GreenTable(scheme) => Some(scheme.window()),
            Kind::LogitBias(_) => None,
        }
    }

    /// Counts without documents. Contexts of `prompts` are left out of every document.
    #[must_use]
    pub fn counted(&self, prompts: &[String]) -> TokenCounted {
        let tokens = self.tokenizer.encode_all(prompts);
        match (&self.kind, self.window()) {
            (Kind::LogitBias(pairs), _) => TokenCounted::Pairs {
                counts: pairs.counts(self.rules()),
                excluded: tokens.iter().flat_map(|tokens| pairs.contexts(tokens)).collect(),
                prompted: 0,
            },
            (_, window) => {
                let window = window.unwrap_or(Window { tokens: 0 });
                let mut sites = TokenSites::new(self.rules(), window, MAX_SITES);
                tokens.iter().for_each(|tokens| sites.exclude(tokens));
                TokenCounted::Sites(sites)
            }
        }
    }

    /// A document in tokens, for counts that began as `counted`.
    #[must_use]
    pub fn document<'p>(
        &self,
        counted: &TokenCounted,
        text: &str,
        prompts: impl IntoIterator<Item = &'p str>,
    ) -> TokenizedDocument {
        let answer = self.tokenizer.encode(text);
        let mut prompt = Vec::new();
        for text in prompts {
            prompt.push(MISSING);
            prompt.extend(self.tokenizer.encode(text));
        }
        match (&self.kind, counted) {
            (Kind::LogitBias(pairs), TokenCounted::Pairs { excluded, .. }) => {
                let prompted: HashSet<u64> = pairs.contexts(&prompt).collect();
                let left_out = |context| prompted.contains(&context) || excluded.contains(&context);
                let (document, left_out) = pairs.document(text, &answer, 0, left_out);
                TokenizedDocument::Pairs(document, left_out)
            }
            _ => TokenizedDocument::Sites { answer, prompt },
        }
    }

    /// Tests a suspect for everybody in the rosters, or for the key in the file; and the controls
    /// for the same. What else speaks against an answer is returned beside it.
    #[must_use]
    pub fn test(
        &self,
        issuances: &[Issuance],
        suspect: TokenSample<'_>,
        controls: &[TokenSample<'_>],
        decoys: &Decoys,
    ) -> (SchemeTests, Vec<Refused>) {
        let ids = Ids { scheme: self.name, issuances, suspect, controls, decoys };
        let tests = match &self.kind {
            Kind::Sglang(scheme, None) => {
                return ids.test(|sample, _| Box::new(TokenScores::new(scheme, sites(sample))));
            }
            Kind::Sbw(scheme, KeyOf::Principal) => {
                return ids.test(|sample, _| Box::new(TokenScores::new(scheme, sites(sample))));
            }
            Kind::LogitBias(_) => {
                return ids.test(|sample, others| Box::new(PairScores::new(pairs(sample), others)));
            }
            Kind::Sbw(scheme, KeyOf::Deployment) => {
                let key = |one: &Issuance| scheme.key(one.roster.global.as_bytes());
                let keys: Vec<_> = issuances.iter().map(|one| (Some(one), key(one))).collect();
                self.of_all(scheme, &keys, &ids)
            }
            Kind::Sglang(scheme, Some(key)) => self.of_all(scheme, &[(None, *key)], &ids),
            Kind::Vllm(scheme, key) => self.of_all(scheme, &[(None, *key)], &ids),
            Kind::Kgw(scheme, key) => self.of_all(scheme, &[(None, key.clone())], &ids),
            Kind::SynthIdTable(scheme, key) => self.of_all(scheme, &[(None, key.clone())], &ids),
            Kind::SynthIdMain(scheme, key) => self.of_all(scheme, &[(None, key.clone())], &ids),
            Kind::GreenTable(scheme) => self.of_all(scheme, &[(None, GreenKey::Table)], &ids),
        };
        (tests, Vec::new())
    }

    /// The tests of keys that mark everybody's answers: the server's own, or that of the deployment
    /// for each tenant and epoch.
    fn of_all<S: TokenScheme>(
        &self,
        scheme: &S,
        keys: &[(Option<&Issuance>, S::Key)],
        ids: &Ids<'_>,
    ) -> SchemeTests {
        let Ids { suspect, controls, decoys, .. } = *ids;
        let counted = sites(&suspect);
        let scores = TokenScores::new(scheme, counted);
        let deployment = |(issuance, key): &(Option<&Issuance>, S::Key)| {
            let (_, terms) = scores.of(key);
            let evidence = DeploymentEvidence {
                evidence: test_tokens(scheme, key, counted, decoys),
                ln_p_without_controls: None,
                effect: Some(Effect::of_tokens(scheme, key, counted, decoys.derived_seed())),
                least_effect: None,
                copies: None,
                sites: counted.len() as u64,
                terms,
            };
            Deployment {
                tenant: issuance.map_or_else(String::new, |one| one.tenant.clone()),
                epoch: issuance.map_or(0, |one| one.epoch),
                issued: issuance.map_or_else(Issued::default, |one| one.issued),
                evidence: Some(evidence),
            }
        };
        let mut tested: Vec<_> = controls
            .iter()
            .map(|sample| {
                let scores = TokenScores::new(scheme, sites(sample));
                let each: Vec<_> = keys.iter().map(|(_, key)| scores.of(key).0.ln_p).collect();
                let material = Some(sample.material.clone());
                control(self.name, sample.name, ControlKind::Text, least_of(&each), material)
            })
            .collect();
        // Keys behind those of the decoys.
        let nobody = (0..NOBODY)
            .map(|number| scores.score(&decoys.key(decoys.count().saturating_add(number))).ln_p);
        let nobody = least_of(&nobody.collect::<Vec<_>>());
        let name = "keys that were never used";
        tested.push(control(self.name, name, ControlKind::NeverIssued, nobody, None));
        SchemeTests {
            material: suspect.material.clone(),
            deployments: keys.iter().map(deployment).collect(),
            clusters: Vec::new(),
            arms: Vec::new(),
            accounts: Vec::new(),
            controls: tested,
        }
    }
}

/// The sites of a sample, none if it counted pairs.
fn sites<'a>(sample: &TokenSample<'a>) -> &'a TokenSites {
    static NONE: std::sync::LazyLock<TokenSites> =
        std::sync::LazyLock::new(|| TokenSites::new("none", Window { tokens: 0 }, 0));
    match sample.counted {
        TokenCounted::Sites(sites) => sites,
        TokenCounted::Pairs { .. } => &NONE,
    }
}

/// The pairs of a sample, none if it counted sites.
fn pairs<'a>(sample: &TokenSample<'a>) -> &'a CellCounts {
    static NONE: std::sync::LazyLock<CellCounts> =
        std::sync::LazyLock::new(|| CellCounts::new("none", 0, 1));
    match sample.counted {
        TokenCounted::Pairs { counts, .. } => counts,
        TokenCounted::Sites(_) => &NONE,
    }
}

impl TokenCounted {
    /// Adds a document, in the order of the corpus.
    pub fn add(&mut self, document: &TokenizedDocument) {
        match (self, document) {
            (Self::Sites(sites), TokenizedDocument::Sites { answer, prompt }) => {
                sites.add(&TokenDocument { prompt, contiguous: false, answer });
            }
            (
                Self::Pairs { counts, prompted, .. },
                TokenizedDocument::Pairs(document, left_out),
            ) => {
                if counts.add(document) {
                    *prompted += left_out;
                }
            }
            _ => debug_assert!(false, "a document of another scheme"),
        }
    }

    /// What was counted, for a report; without the files.
    #[must_use]
    pub fn material(&self, scheme: &Scheme) -> Material {
        let (documents, sites, excluded) = match self {
            Self::Sites(sites) => (sites.documents(), sites.len() as u64, sites.prompted()),
            Self::Pairs { counts, prompted, .. } => (counts.documents(), counts.sites(), *prompted),
        };
        Material {
            scheme: scheme.name.to_owned(),
            rules: scheme.rules(),
            files: Vec::new(),
            documents: documents.distinct() as u64,
            repeated: documents.repeated(),
            unchecked: documents.unchecked(),
            sites,
            excluded,
        }
    }

    /// Occurrences of sites past the number that is kept.
    #[must_use]
    pub fn past_capacity(&self) -> u64 {
        match self {
            Self::Sites(sites) => sites.past_capacity(),
            Self::Pairs { .. } => 0,
        }
    }
}
