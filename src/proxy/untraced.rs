//! What stands in the place of traces where the program was built without them: a configuration that asks
//! for them is refused, so that there is never one.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Uri};

use super::config;
use super::start_error::StartError;
use crate::audit::{DecisionName, Outcome};
use crate::wire::ProtocolId;

/// There is none.
#[derive(Clone, Debug)]
pub(super) struct Traces(Infallible);

/// There is none.
#[derive(Debug)]
pub(super) struct ExchangeSpan(Infallible);

impl Traces {
    pub(super) fn check(_: Option<&config::Traces>) -> Result<(), StartError> {
        Ok(())
    }

    pub(super) fn open(_: Option<&config::Traces>) -> Result<Option<Self>, StartError> {
        Ok(None)
    }

    pub(super) fn begin<B>(
        &self,
        _: &mut Request<B>,
        _: Option<ProtocolId>,
        _: &str,
    ) -> ExchangeSpan {
        match self.0 {}
    }

    pub(super) fn finish(&self, _: Duration) -> bool {
        match self.0 {}
    }
}

impl ExchangeSpan {
    pub(super) fn first_byte(&self) {
        match self.0 {}
    }

    pub(super) fn end(self, _: Option<u16>, _: u64, _: Outcome, _: Option<&DecisionName>) {
        match self.0 {}
    }
}

/// The service itself.
pub(super) type Traced<S> = S;

/// The service itself.
pub(super) fn traced<S>(inner: S, _: &Uri) -> Traced<S> {
    inner
}
