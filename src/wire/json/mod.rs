//! Reading and editing JSON in place.
//!
//! A parse into values and back loses what a client may depend on: key order, number spelling,
//! escapes, duplicate keys, lone surrogates. So nothing here builds values. [`Reader`] walks a
//! document once and tells where its pieces are; [`splice`] replaces some of them and leaves every
//! other byte as it came.
//!
//! ```
//! use guilloche::wire::json::{Edit, Reader, splice};
//!
//! let document = br#"{"n": 1.10, "text": "h\u00e9", "n": 2}"#;
//! let mut edits = Vec::new();
//! Reader::new(document).document(|reader| {
//!     reader.members(|reader, key| {
//!         if key.is("text") {
//!             let text = reader.text()?;
//!             edits.extend(text.map(|text| Edit::text(text.span, "ho")));
//!             Ok(())
//!         } else {
//!             reader.pass()
//!         }
//!     })
//! })?;
//! assert_eq!(splice(document, &mut edits), br#"{"n": 1.10, "text": "ho", "n": 2}"#);
//! # Ok::<(), guilloche::wire::json::Error>(())
//! ```

mod closing;
mod fold;
mod reader;
mod splice;
mod style;
mod text;

pub(crate) use closing::closing;
pub(crate) use fold::fold;
pub use reader::{Error, Key, Kind, Members, Reader, Text};
pub(crate) use splice::splice_into;
pub use splice::{Edit, escape, removals, splice};
pub(crate) use style::Style;
pub use text::{Undecodable, unescape, unescape_lossy};
