//! Putting the caller's keyed mark into the answer.
//!
//! [`Marks`] are what a deployment marks with; [`Carriers`] say by what one response carries the
//! mark. Where the server puts it in while it generates, only the request changes; else a
//! [`Mark`] rewrites the words of each text on its way to the client.

mod carrier;
mod carriers;
mod lexical;
mod marks;

pub(super) use lexical::marks_although_signed;

pub use carrier::Carrier;
pub use carriers::{
    CarrierSetting, Carriers, Choice, Entries, KeyOf, LogitBias, MarkTerms, Proof, Proofs, Sglang,
    VllmXargs,
};
pub use lexical::{LexicalMark, Mark};
pub use marks::{Caller, Marks, recipient};
