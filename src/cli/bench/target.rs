//! Where load goes.

use std::net::SocketAddr;

use http::HeaderValue;
use jiff::Timestamp;

use crate::cli::Failure;

/// Where load goes, and on whose behalf.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    score: &'static str,
    issued: i64,
    /// What accounts are called; a number follows.
    account: &'static str,
}

impl Target {
    pub(super) fn new(score: &'static str, address: SocketAddr) -> Self {
        Self { address, score, issued: Timestamp::now().as_second(), account: "bench" }
    }

    /// The same on behalf of other accounts.
    pub(super) fn on_behalf_of(&self, account: &'static str) -> Self {
        Self { account, ..self.clone() }
    }

    /// What the detector says of the caller on a connection. Every row gets it, so that all of
    /// them are sent the same bytes.
    pub(super) fn risk(&self, index: usize) -> Result<HeaderValue, Failure> {
        let Self { score, issued, account, .. } = self;
        Ok(HeaderValue::try_from(format!(
            "account=\"{account}-{index}\", cluster=\"bench\", score={score}, confidence=0.9, \
             issued={issued}, ttl=86400"
        ))?)
    }
}
