//! The span of what the upstream was asked, below that of the exchange.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response, Uri};
use opentelemetry::KeyValue;
use opentelemetry::trace::{
    Span, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, Tracer,
};
use opentelemetry_sdk::trace;
use tower_service::Service;

use super::{Traces, method_name};
use crate::proxy::ending::{Ending, Observer, ObserverGuard, Watched};
use crate::secret::opaque_debug;
use crate::upstream::UpstreamError;

opaque_debug!(Asked, UpstreamSpan);

impl<S> fmt::Debug for Traced<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Traced(..)")
    }
}

/// Among the extensions of a request: the span that it is made for.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) by: SpanContext,
    pub(super) traces: Arc<Traces>,
}

/// The upstream at `url`, watched.
pub(in crate::proxy) fn traced<S>(inner: S, url: &Uri) -> Traced<S> {
    let default = if url.scheme_str() == Some("https") { 443 } else { 80 };
    let port = url.port_u16().unwrap_or(default);
    Traced { inner, host: url.host().unwrap_or_default().into(), port }
}

/// A service whose answers are watched to their ends. Requests that nobody's span stands behind pass.
#[derive(Clone)]
pub(in crate::proxy) struct Traced<S> {
    inner: S,
    host: Arc<str>,
    port: u16,
}

impl<S> Traced<S> {
    fn begin<B>(&self, request: &mut Request<B>) -> Option<UpstreamSpan> {
        let Asked { by, traces } = request.extensions_mut().remove()?;
        let method = method_name(request.method());
        let attributes = [
            KeyValue::new("http.request.method", method),
            KeyValue::new("server.address", Arc::clone(&self.host)),
            KeyValue::new("server.port", i64::from(self.port)),
        ];
        let span =
            SpanBuilder::from_name(method).with_kind(SpanKind::Client).with_attributes(attributes);
        let parent = opentelemetry::Context::new().with_remote_span_context(by);
        let span = traces.tracer.build_with_context(span, &parent);
        traces.tell(span.span_context(), request.headers_mut());
        Some(UpstreamSpan { span, begun: false })
    }
}

impl<S, B, R> Service<Request<B>> for Traced<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = UpstreamError>,
    S::Future: Send + 'static,
    R: http_body::Body,
{
    type Response = Response<Watched<R, Option<UpstreamSpan>>>;
    type Error = UpstreamError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, UpstreamError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut guard = ObserverGuard::new(self.begin(&mut request));
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            if let Some(Some(UpstreamSpan { span, .. })) = guard.observer() {
                match &answer {
                    Ok(response) => {
                        let status = response.status();
                        let code = i64::from(status.as_u16());
                        span.set_attribute(KeyValue::new("http.response.status_code", code));
                        if status.is_client_error() || status.is_server_error() {
                            failed(span, status.as_str().to_owned().into());
                        }
                    }
                    Err(error) => failed(span, kind(error).into()),
                }
            }
            if answer.is_err() {
                guard.end(Ending::Complete);
            }
            answer.map(|response| response.map(|body| Watched::new(body, guard)))
        })
    }
}

/// A span of an answer that comes.
pub(in crate::proxy) struct UpstreamSpan {
    span: trace::Span,
    begun: bool,
}

impl Observer for Option<UpstreamSpan> {
    fn data(&mut self, _: usize) {
        let Some(UpstreamSpan { span, begun }) = self else { return };
        if !std::mem::replace(begun, true) {
            span.add_event("first_byte", Vec::new());
        }
    }

    fn end(self, ending: Ending) {
        let Some(UpstreamSpan { mut span, .. }) = self else { return };
        match ending {
            Ending::Complete => {}
            Ending::Error => failed(&mut span, "broken_off".into()),
            Ending::Cancelled => failed(&mut span, "cancelled".into()),
        }
        span.end();
    }
}

fn failed(span: &mut trace::Span, kind: opentelemetry::Value) {
    span.set_attribute(KeyValue::new("error.type", kind));
    span.set_status(Status::error(""));
}

/// What went wrong, without its cause, which may name addresses.
fn kind(error: &UpstreamError) -> &'static str {
    match error {
        UpstreamError::Connect(_) => "connect",
        UpstreamError::ConnectTimeout => "connect_timeout",
        UpstreamError::FirstByteTimeout => "first_byte_timeout",
        UpstreamError::IdleTimeout => "idle_timeout",
        UpstreamError::TotalTimeout => "total_timeout",
        UpstreamError::RequestTooLarge => "request_too_large",
        UpstreamError::RequestTooSlow => "request_too_slow",
        UpstreamError::Exchange(_) => "exchange",
        UpstreamError::Switched => "switched",
        UpstreamError::Stopping => "stopping",
        UpstreamError::Body(_) => "broken_off",
        UpstreamError::NoRoom => "no_room",
        UpstreamError::Unsigned => "unsigned",
        UpstreamError::Address(_) => "address",
    }
}
