//! The file that names the schemes to look for, with what a detector must know of them.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::{KeyOf, Kind, Scheme};
use crate::forensics::detect::{
    Device, GreenTable, GreenTableError, HuggingFaceKgw, LayerKeys, Sbw, Seeding, SglangGumbel,
    SglangKey, SynthIdMain, SynthIdTable, TokenPairs, VllmGumbel, VllmKey,
};
use crate::mark::keys::{KeyFileProblem, check_permissions};
use crate::mark::lexicon::Lexicon;
use crate::mark::paired::PairedClasses;
use crate::mark::tokenizer::{Tokenizer, TokenizerError};

/// The largest file of schemes, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The longest context that is looked at: no server takes a longer one.
const LONGEST_CONTEXT: u8 = 64;

/// The most layers of SynthID; 30 are usual.
const MOST_LAYERS: usize = 1_000;

/// The greatest vocabulary.
const MOST_TOKENS: u32 = 1 << 22;

/// `hashing_key` where nobody sets one: in the authors' code, in Hugging Face's and in vllm-sbw. A text
/// that follows it tells of none of their users.
const PUBLIC_KEY: u64 = 15_485_863;

/// A file of schemes cannot be used. Nothing of a key is shown.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct SchemesError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub problem: SchemesProblem,
}

/// What is wrong with a file of schemes.
#[derive(Debug, thiserror::Error)]
pub enum SchemesProblem {
    /// It cannot be read, or is larger than any.
    #[error(transparent)]
    File(#[from] io::Error),
    /// Others than its owner may read it, and there are keys in it.
    #[error("it holds keys: {0}")]
    Permissions(#[from] KeyFileProblem),
    /// Not the TOML that is expected.
    #[error("{0}")]
    Format(String),
    /// A version that this program does not read.
    #[error("version {0}, which this program does not read")]
    Version(u32),
    /// There is none in it.
    #[error("there is no [[scheme]] in it")]
    Empty,
    /// A scheme stands there twice.
    #[error("the scheme {0} stands there twice")]
    Twice(&'static str),
    /// A value that cannot be.
    #[error("scheme {scheme}: {what}")]
    Value {
        /// The scheme.
        scheme: &'static str,
        /// The value, and what it must be.
        what: &'static str,
    },
    /// Its tokenizer cannot be used.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Its green table cannot be used.
    #[error("{}: {source}", path.display())]
    GreenTable {
        /// The table.
        path: PathBuf,
        /// What is wrong with it.
        source: GreenTableError,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schemes {
    version: u32,
    #[serde(default)]
    scheme: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
enum Entry {
    Sglang {
        tokenizer: PathBuf,
        #[serde(default = "two")]
        context_window: u8,
        mixing_probability: Option<f64>,
        key: Option<Number>,
        key_b: Option<Number>,
    },
    Vllm {
        tokenizer: PathBuf,
        context_window: u8,
        key: Number,
    },
    VllmSbw {
        tokenizer: PathBuf,
        #[serde(default = "quarter")]
        gamma: f64,
        #[serde(default)]
        key_of: KeyOf,
    },
    VllmDual {
        tokenizer: PathBuf,
        context_window: u8,
        #[serde(default = "tenth")]
        alpha: f64,
        key: Number,
    },
    KgwLefthash {
        tokenizer: PathBuf,
        vocabulary: u32,
        #[serde(default = "quarter")]
        green_ratio: f64,
        key: Number,
    },
    KgwSelfhash {
        tokenizer: PathBuf,
        vocabulary: u32,
        #[serde(default = "quarter")]
        green_ratio: f64,
        context_width: u8,
        key: Number,
    },
    Synthid {
        tokenizer: PathBuf,
        #[serde(default = "five")]
        ngram_len: u8,
        #[serde(default)]
        sampling_table_seed: u64,
        #[serde(default)]
        drawn_on: Device,
        keys: Vec<i64>,
    },
    SynthidMain {
        tokenizer: PathBuf,
        #[serde(default = "five")]
        ngram_len: u8,
        keys: Vec<i64>,
    },
    LogitBias {
        tokenizer: PathBuf,
    },
    GreenTable {
        tokenizer: PathBuf,
        table: PathBuf,
    },
}

fn two() -> u8 {
    2
}

fn five() -> u8 {
    5
}

fn tenth() -> f64 {
    0.1
}

fn quarter() -> f64 {
    0.25
}

/// A key of 64 bits: a number, or up to sixteen hexadecimal digits in a string.
#[derive(Clone, Copy)]
struct Number(u64);

impl<'d> Deserialize<'d> for Number {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Digits(String),
        }
        // Without the value: it is a secret.
        let wrong = || D::Error::custom("a key is a number, or 1 to 16 hexadecimal digits");
        match Written::deserialize(deserializer).map_err(|_| wrong())? {
            Written::Number(number) => Ok(Self(number)),
            Written::Digits(digits) if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                u64::from_str_radix(&digits, 16).map(Self).map_err(|_| wrong())
            }
            Written::Digits(_) => Err(wrong()),
        }
    }
}

/// Reads a file of schemes with their tokenizers. Paths in it are relative to it.
///
/// # Errors
///
/// See [`SchemesProblem`].
pub fn read_schemes(path: impl AsRef<Path>) -> Result<Vec<Scheme>, SchemesError> {
    let path = path.as_ref();
    read(path).map_err(|problem| SchemesError { path: path.to_owned(), problem })
}

fn read(path: &Path) -> Result<Vec<Scheme>, SchemesProblem> {
    let file = File::open(path)?;
    let mut text = String::new();
    (&file).take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large").into());
    }
    // The message alone: what stands around a mistake may be a key.
    let Schemes { version, scheme } =
        toml::from_str(&text).map_err(|error| SchemesProblem::Format(described(&text, &error)))?;
    if version != 1 {
        return Err(SchemesProblem::Version(version));
    }
    if scheme.is_empty() {
        return Err(SchemesProblem::Empty);
    }
    if scheme.iter().any(Entry::has_keys) {
        check_permissions(&file)?;
    }
    let beside = path.parent().unwrap_or(Path::new(""));
    let mut schemes: Vec<Scheme> = Vec::new();
    for entry in scheme {
        let scheme = entry.read(beside)?;
        if schemes.iter().any(|other| other.name == scheme.name) {
            return Err(SchemesProblem::Twice(scheme.name));
        }
        schemes.push(scheme);
    }
    Ok(schemes)
}

fn described(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| before.matches('\n').count() + 1);
    let message = error.message().lines().next().unwrap_or_default();
    line.map_or(message.to_owned(), |line| format!("line {line}: {message}"))
}

impl Entry {
    fn has_keys(&self) -> bool {
        !matches!(
            self,
            Self::Sglang { key: None, key_b: None, .. }
                | Self::VllmSbw { .. }
                | Self::LogitBias { .. }
                | Self::GreenTable { .. }
        )
    }

    fn read(self, beside: &Path) -> Result<Scheme, SchemesProblem> {
        let (name, tokenizer) = self.named();
        let tokenizer = Tokenizer::read(beside.join(tokenizer))?;
        let kind = self.kind(name, &tokenizer, beside)?;
        Ok(Scheme { name, tokenizer, kind })
    }

    fn named(&self) -> (&'static str, &Path) {
        match self {
            Self::Sglang { tokenizer, .. } => ("sglang", tokenizer),
            Self::Vllm { tokenizer, .. } => ("vllm", tokenizer),
            Self::VllmSbw { tokenizer, .. } => ("vllm-sbw", tokenizer),
            Self::VllmDual { tokenizer, .. } => ("vllm-dual", tokenizer),
            Self::KgwLefthash { tokenizer, .. } => ("kgw-lefthash", tokenizer),
            Self::KgwSelfhash { tokenizer, .. } => ("kgw-selfhash", tokenizer),
            Self::Synthid { tokenizer, .. } => ("synthid", tokenizer),
            Self::SynthidMain { tokenizer, .. } => ("synthid-main", tokenizer),
            Self::LogitBias { tokenizer } => ("logit-bias", tokenizer),
            Self::GreenTable { tokenizer, .. } => ("green-table", tokenizer),
        }
    }

    fn kind(
        self,
        scheme: &'static str,
        tokenizer: &Tokenizer,
        beside: &Path,
    ) -> Result<Kind, SchemesProblem> {
        let check = |holds: bool, what| {
            if holds { Ok(()) } else { Err(SchemesProblem::Value { scheme, what }) }
        };
        let context = |tokens: u8, what| check((1..=LONGEST_CONTEXT).contains(&tokens), what);
        let share = |share: f64, what| check(share > 0.0 && share < 1.0, what);
        let layers = |keys: &[i64]| {
            check((1..=MOST_LAYERS).contains(&keys.len()), "keys must be from 1 to 1000")
        };
        const WINDOW: &str = "context_window must be from 1 to 64";
        const NGRAM: &str = "ngram_len must be from 2 to 65";
        Ok(match self {
            Self::Sglang { context_window, mixing_probability, key, key_b, .. } => {
                context(context_window, WINDOW)?;
                if let Some(probability) = mixing_probability {
                    share(probability, "mixing_probability must be between 0 and 1")?;
                    check(key.is_some() == key_b.is_some(), "of key and key_b there is one")?;
                } else {
                    check(key_b.is_none(), "key_b needs mixing_probability")?;
                }
                let key = key.map(|Number(a)| SglangKey { a, b: key_b.map_or(0, |Number(b)| b) });
                Kind::Sglang(SglangGumbel { context_window, mixing_probability }, key)
            }
            Self::Vllm { context_window, key: Number(key), .. } => {
                context(context_window, WINDOW)?;
                Kind::Vllm(VllmGumbel { context_window, alpha: None }, VllmKey(key))
            }
            Self::VllmSbw { gamma, key_of, .. } => {
                share(gamma, "gamma must be between 0 and 1")?;
                Kind::Sbw(Sbw { gamma }, key_of)
            }
            Self::VllmDual { context_window, alpha, key: Number(key), .. } => {
                context(context_window, WINDOW)?;
                share(alpha, "alpha must be between 0 and 1")?;
                Kind::Vllm(VllmGumbel { context_window, alpha: Some(alpha) }, VllmKey(key))
            }
            Self::KgwLefthash { key: Number(PUBLIC_KEY), .. }
            | Self::KgwSelfhash { key: Number(PUBLIC_KEY), .. } => {
                return Err(SchemesProblem::Value { scheme, what: "key is the public default" });
            }
            Self::KgwLefthash { vocabulary, green_ratio, key, .. } => {
                check((1..=MOST_TOKENS).contains(&vocabulary), "vocabulary is out of range")?;
                share(green_ratio, "green_ratio must be between 0 and 1")?;
                kgw(vocabulary, green_ratio, Seeding::LeftHash, key)
            }
            Self::KgwSelfhash { vocabulary, green_ratio, context_width, key, .. } => {
                check((1..=MOST_TOKENS).contains(&vocabulary), "vocabulary is out of range")?;
                share(green_ratio, "green_ratio must be between 0 and 1")?;
                context(context_width, "context_width must be from 1 to 64")?;
                kgw(vocabulary, green_ratio, Seeding::SelfHash { context_width }, key)
            }
            Self::Synthid { ngram_len, sampling_table_seed, drawn_on, keys, .. } => {
                layers(&keys)?;
                context(ngram_len.saturating_sub(1), NGRAM)?;
                let synthid =
                    SynthIdTable::new(ngram_len, keys.len(), sampling_table_seed, drawn_on);
                Kind::SynthIdTable(synthid, LayerKeys::new(keys))
            }
            Self::SynthidMain { ngram_len, keys, .. } => {
                layers(&keys)?;
                context(ngram_len.saturating_sub(1), NGRAM)?;
                let synthid = SynthIdMain { layers: keys.len(), ngram_len };
                Kind::SynthIdMain(synthid, LayerKeys::new(keys))
            }
            Self::LogitBias { .. } => {
                let classes = PairedClasses::read(Lexicon::english(), tokenizer);
                let what = "the tokenizer has none of the lexicon's pairs as single tokens";
                check(!classes.pairs().is_empty(), what)?;
                Kind::LogitBias(TokenPairs::of(&classes))
            }
            Self::GreenTable { table, .. } => {
                let path = beside.join(table);
                let read = File::open(&path)
                    .map_err(GreenTableError::from)
                    .and_then(|file| GreenTable::read(BufReader::new(file)));
                Kind::GreenTable(
                    read.map_err(|source| SchemesProblem::GreenTable { path, source })?,
                )
            }
        })
    }
}

fn kgw(vocabulary: u32, green_ratio: f64, seeding: Seeding, Number(key): Number) -> Kind {
    let scheme = HuggingFaceKgw { vocabulary, green_ratio, seeding };
    let key = scheme.hashing_key(key);
    Kind::Kgw(scheme, key)
}
