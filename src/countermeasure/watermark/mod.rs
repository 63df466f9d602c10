//! Putting the caller's keyed mark into the answer.

mod carrier;
mod carriers;

pub use carrier::Carrier;
pub use carriers::{
    CarrierSetting, Carriers, Choice, Entries, KeyOf, LogitBias, MarkedAs, Proof, Proofs, Sglang,
    VllmXargs,
};
