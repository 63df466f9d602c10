//! The reverse proxy.
pub mod config;
mod failure;
mod family;
mod headers;
pub mod upstream;

pub use config::{Config, ConfigError, ConfigErrors};
pub use upstream::{Upstream, UpstreamError};
