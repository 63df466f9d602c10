//! The `tower` layer.

mod body;
mod document;
mod error;
mod guard;
mod lanes;
mod request_body;
mod rewrite;
mod stream;
