//! Records that go to whoever waits for the one of their own request.

use std::sync::Arc;

use super::{Exposure, Record, Sink, UnitJoined, UnitSummary};

/// Among the extensions of a request: is given the record of its exchange, too, before the layer's own
/// sink. What else an audit takes goes to the layer's own alone. A request that leaves no record gives
/// it none.
///
/// A span of the exchange is told what was decided by it, whichever way the exchange ends:
///
/// ```
/// use std::sync::Arc;
/// use guilloche::audit::{Record, RequestSink, Sink};
///
/// #[derive(Debug)]
/// struct Span;
///
/// impl Sink for Span {
///     fn record(&self, record: Record) {
///         println!("{}: {}", record.decision, record.grade);
///     }
/// }
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(RequestSink(Arc::new(Span)));
/// ```
#[derive(Clone, Debug)]
pub struct RequestSink(pub Arc<dyn Sink>);

impl RequestSink {
    /// A sink that gives records to this one first.
    pub(crate) fn before(self, next: Arc<dyn Sink>) -> Arc<dyn Sink> {
        Arc::new(Both { first: self.0, next })
    }
}

#[derive(Debug)]
struct Both {
    first: Arc<dyn Sink>,
    next: Arc<dyn Sink>,
}

impl Sink for Both {
    fn record(&self, record: Record) {
        self.first.record(record.clone());
        self.next.record(record);
    }

    fn exposure(&self, exposure: Exposure) {
        self.next.exposure(exposure);
    }

    fn unit(&self, summary: UnitSummary) {
        self.next.unit(summary);
    }

    fn joined(&self, joined: UnitJoined) {
        self.next.joined(joined);
    }

    fn keeps(&self) -> bool {
        self.next.keeps()
    }
}
