//! Names that a policy matches: a literal name, or a prefix that ends in `*`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::wire::model_name;

/// A model or path name in a policy: `gpt-5-mini` matches itself only, `gpt-5*` every name that
/// begins with `gpt-5`, and `*` everything.
///
/// ```
/// use guilloche::policy::Pattern;
///
/// let family: Pattern = "gpt-5*".parse()?;
/// assert!(family.matches("gpt-5.5-mini"));
/// assert!(!family.matches("o5"));
/// # Ok::<(), guilloche::policy::pattern::PatternError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    stem: String,
    prefix: bool,
    /// The stem as spellings of it are compared.
    normalized: String,
}

/// A pattern was empty or had a `*` before its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a pattern: a `*` may stand only at the end of a name that is not empty")]
pub struct PatternError(String);

impl Pattern {
    /// Whether `name` is covered.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        if self.prefix { name.starts_with(&self.stem) } else { name == self.stem }
    }

    /// Whether the model of that name is covered, however the name is spelled: letter case, white
    /// space around it and a vendor before it make no difference, and `gpt-5` covers its variants
    /// `gpt-5:online` and `gpt-5@2026`.
    ///
    /// ```
    /// use guilloche::policy::Pattern;
    ///
    /// let model: Pattern = "teacher-large".parse()?;
    /// assert!(model.covers_model(" Teacher-Large:think"));
    /// assert!(model.covers_model("vendor/teacher-large"));
    /// assert!(!model.covers_model("teacher-larger"));
    /// # Ok::<(), guilloche::policy::pattern::PatternError>(())
    /// ```
    #[must_use]
    pub fn covers_model(&self, name: &str) -> bool {
        let stem = self.normalized.as_str();
        model_name::spellings(&model_name::normalized(name)).any(|spelling| {
            if self.prefix { spelling.starts_with(stem) } else { model_name::names(spelling, stem) }
        })
    }

    /// Whether a word that stands where a model may stand, and need not, is the name of a covered
    /// model. A pattern of all names says nothing of it, and one that ends in `*` nothing of the
    /// usual words of paths and of vendors.
    ///
    /// ```
    /// use guilloche::policy::Pattern;
    ///
    /// let family: Pattern = "o*".parse()?;
    /// assert!(family.covers_word("o5-mini"));
    /// assert!(!family.covers_word("openai"));
    /// # Ok::<(), guilloche::policy::pattern::PatternError>(())
    /// ```
    #[must_use]
    pub fn covers_word(&self, word: &str) -> bool {
        let (stem, word) = (self.normalized.as_str(), model_name::normalized(word));
        if self.prefix {
            !stem.is_empty() && word.starts_with(stem) && !model_name::is_common(&word)
        } else {
            model_name::names(&word, stem)
        }
    }

    /// How many segments of a path a name takes that it covers.
    #[must_use]
    pub fn segments(&self) -> usize {
        1 + self.stem.matches('/').count()
    }

    /// Whether this pattern covers every name, and so a model that has none.
    #[must_use]
    pub fn covers_all(&self) -> bool {
        self.prefix && self.stem.is_empty()
    }

    /// How closely this pattern fits the names it covers: a literal beats any prefix, a longer
    /// prefix a shorter one.
    #[must_use]
    pub fn specificity(&self) -> (bool, usize) {
        (!self.prefix, self.stem.len())
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (stem, prefix) = match text.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (text, false),
        };
        if text.is_empty() || stem.contains('*') {
            return Err(PatternError(text.to_owned()));
        }
        let normalized = model_name::normalized(stem);
        Ok(Self { stem: stem.to_owned(), prefix, normalized })
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.stem)?;
        if self.prefix { formatter.write_str("*") } else { Ok(()) }
    }
}
