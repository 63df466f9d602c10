//! What a text shows of each scheme of marking: counts of cells, or scores of tokens under a key.
//!
//! One file per scheme. Every hash is reimplemented from its published definition and reproduces
//! the values that the libraries themselves gave (`tests/detect_known_answers.rs` names them and
//! their versions). Whether a score means anything is for [`evidence`](super::evidence) to say:
//! nothing here computes a p-value.
//!
//! | scheme | sites | score |
//! |---|---|---|
//! | lexical, by the law of the writer | [`LawCounts`] | uniforms of cells |
//! | lexical by fair coins, paired `logit_bias` | [`CellCounts`], [`TokenPairs`] | signs of cells |
//! | Unigram | [`TokenCounts`] | signs of token types |
//! | KGW of Hugging Face | [`HuggingFaceKgw`] | green tokens |
//! | dumped green lists | [`GreenTable`] | green tokens |
//! | SynthID-Text | [`SynthIdTable`], [`SynthIdMain`] | ones over layers |
//! | Gumbel of vLLM and SGLang | [`VllmGumbel`], [`SglangGumbel`] | sum of `-ln(1 - u)` |
//!
//! Token schemes are given token ids of the marked model's tokenizer: a student's text is
//! tokenized anew with it. A context can only be read where it is known, so the first tokens of
//! an answer whose prompt is not known are not scored.
//!
//! ```
//! use guilloche::forensics::detect::{SglangGumbel, TokenDocument, TokenScheme, TokenSites};
//! use guilloche::forensics::evidence::{Decoys, test_tokens};
//!
//! let scheme = SglangGumbel { context_window: 2, mixing_probability: None };
//! let mut sites = TokenSites::new("sglang, llama-3 tokenizer", scheme.window(), 1_000_000);
//! let answer: Vec<u32> = (0..400).map(|n| n * n % 1009).collect();
//! sites.add(&TokenDocument { answer: &answer, ..TokenDocument::default() });
//!
//! let key = scheme.key(&[7; 32]);
//! let evidence = test_tokens(&scheme, &key, &sites, &Decoys::new([1; 32], 1_000));
//! assert!(evidence.p_value() > 1e-3); // no mark
//! ```

mod cells;
mod convolution;
mod green_table;
mod groups;
mod gumbel_sglang;
mod gumbel_vllm;
mod kgw;
mod law;
mod lexical;
mod mersenne;
mod murmur;
mod paired_bias;
mod philox;
mod reading;
#[cfg(feature = "tokenizers")]
mod retokenize;
mod sbw;
mod scheme;
mod sites;
mod synthid;
mod unigram;

pub use cells::{CellCounts, CellDocument, DocumentCells};
pub use green_table::{GreenKey, GreenTable, GreenTableError, ListedSites};
pub use groups::{Documents, GROUPS, Group};
pub use gumbel_sglang::{HashedSites, SglangGumbel, SglangKey};
pub use gumbel_vllm::{ContextSites, VllmGumbel, VllmKey};
pub use kgw::{ByContext, HuggingFaceKgw, KgwKey, Seeding};
pub use law::{LawCounts, LawDocument};
pub use lexical::{LexicalDocument, LexicalSites};
pub use paired_bias::TokenPairs;
pub use sbw::{ByToken, Sbw, SbwKey};
pub use scheme::{KeyScore, TokenScheme};
pub use sites::{MISSING, MergeError, Site, TokenDocument, TokenSites, Window};
pub use synthid::{Device, LayerKeys, LayerScores, Ngrams, SynthIdMain, SynthIdTable};
pub use unigram::TokenCounts;
