//! Keyed marks: which of two equal phrasings a text uses, and who could have chosen it.
//!
//! Pure: text and keys, no HTTP. [`keys`] derives from the deployment's master what each principal's
//! texts carry, [`ledger`] records who was issued marks, [`lexicon`] says between which phrasings
//! an author is free, [`lexical`] rewrites a stream of text so, and finds its sites again;
//! [`cell`] specifies all of it to the bit. With the feature `forensics`, the module `forensics`
//! reads marks back and says what they prove.
//!
//! ```
//! use std::sync::Arc;
//!
//! use guilloche::mark::cell::Roles;
//! use guilloche::mark::keys::{Keys, Recipient};
//! use guilloche::mark::lexical::Rewriter;
//! use guilloche::mark::lexicon::Lexicon;
//!
//! let lexicon = Lexicon::english();
//! let keys = Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH);
//! let roles = Arc::new(Roles::new(keys.master(), lexicon.cells()));
//! let marked = Recipient { tenant: "", account: "acct-17", cluster: None, arm: None };
//! let marking = keys.marking(&roles, keys.current(), marked, 1.0);
//!
//! let mut rewriter = Rewriter::new(lexicon, &marking);
//! let mut out = String::new();
//! rewriter.push("These are the tools that you need. In addition, they are free.", &mut out);
//! rewriter.finish(false, &mut out);
//! assert_eq!(rewriter.sites(), 1);
//! ```

pub(crate) mod ascii;
pub mod cell;
pub mod keys;
pub mod law;
pub mod ledger;
pub mod lexical;
pub mod lexicon;
#[cfg(feature = "tokenizers")]
pub mod paired;
#[cfg(feature = "tokenizers")]
pub mod tokenizer;
