//! The `tower` layer.

mod document;
mod lanes;
mod rewrite;
mod stream;
