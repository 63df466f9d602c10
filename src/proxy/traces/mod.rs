//! Traces: a span of each exchange with a client, and below it one of what the upstream was asked, sent
//! to a collector by OTLP over HTTP.
//!
//! The client's `traceparent` (W3C Trace Context) says which trace an exchange belongs to, and the upstream
//! is sent one that names its own span, so that what a gateway, the proxy and an inference server did stands
//! in one picture. What was decided are attributes of the exchange's span, by the names that audit records
//! have for it. No text, no address, no account and no score becomes one.
//!
//! Spans wait in a bounded queue, from which a thread of the SDK's sends them. An exchange never waits for
//! it; where the queue is full spans are lost.

mod collector;
mod exchange;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    Link, SpanBuilder, SpanContext, SpanKind, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};

use super::config::{self, Parent};
use super::start_error::StartError;
use crate::audit::RequestSink;
use crate::secret::opaque_debug;
use crate::wire::ProtocolId;
use collector::Collector;
use upstream::Asked;

pub(super) use exchange::ExchangeSpan;
pub(super) use upstream::{Traced, traced};

/// Where spans are posted, below a collector's address.
const PATH: &str = "/v1/traces";

/// The fields of W3C Trace Context.
const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

opaque_debug!(Traces);

/// Makes spans. Clones send them by the same queue.
#[derive(Clone)]
pub(super) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    parent: Parent,
    propagate: bool,
}

impl Traces {
    /// Whether spans can be sent to where the configuration says.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(super) fn check(settings: Option<&config::Traces>) -> Result<(), StartError> {
        settings.map(collector::client).transpose()?;
        Ok(())
    }

    /// Begins to send spans. To be called where the runtime is that requests are made by.
    ///
    /// # Errors
    /// When connections to the collector cannot be prepared.
    pub(super) fn open(settings: Option<&config::Traces>) -> Result<Option<Self>, StartError> {
        let Some(settings) = settings else { return Ok(None) };
        let endpoint = &settings.endpoint;
        let endpoint = match endpoint.path() {
            "" | "/" => format!("{}{PATH}", endpoint.to_string().trim_end_matches('/')),
            _ => endpoint.to_string(),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(endpoint)
            .with_http_client(Collector::new(collector::client(settings)?))
            .build()
            .map_err(|error| StartError::Traces(Box::new(error)))?;
        let resource = Resource::builder()
            .with_service_name(settings.service.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let ratio = Sampler::TraceIdRatioBased(settings.sample);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .with_sampler(Sampler::ParentBased(Box::new(ratio)))
            .build();
        let tracer = provider.tracer("guilloche");
        let config::Traces { parent, propagate, .. } = *settings;
        Ok(Some(Self { provider, tracer, parent, propagate }))
    }

    /// The span of an exchange that begins with this request.
    pub(super) fn begin<B>(
        &self,
        request: &mut Request<B>,
        protocol: Option<ProtocolId>,
        path: &str,
    ) -> ExchangeSpan {
        let asked = parent(request.headers());
        let method = method_name(request.method());
        let name = match protocol {
            Some(protocol) => format!("{method} {}", protocol.name()),
            None => method.to_owned(),
        };
        let mut attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("url.path", path.to_owned()),
        ];
        if let Some(protocol) = protocol {
            attributes.push(KeyValue::new("guilloche.protocol", protocol.name()));
        }
        let span =
            SpanBuilder::from_name(name).with_kind(SpanKind::Server).with_attributes(attributes);
        let (span, parent) = match self.parent {
            // To the sampler even one that is not valid would be a parent.
            _ if !asked.is_valid() => (span, Context::new()),
            Parent::Follow => (span, Context::new().with_remote_span_context(asked)),
            Parent::Link => (span.with_links(vec![Link::with_context(asked)]), Context::new()),
        };
        let span = self.tracer.build_with_context(span, &parent);
        let (span, context) = ExchangeSpan::new(span);
        let extensions = request.extensions_mut();
        if let Some(sink) = span.sink() {
            extensions.insert(RequestSink(sink));
        }
        extensions.insert(Asked { by: context, traces: Arc::new(self.clone()) });
        span
    }

    /// Sends what waits, and ends.
    pub(super) fn finish(&self, within: Duration) -> bool {
        self.provider.shutdown_with_timeout(within).is_ok()
    }

    /// Names a span to whoever gets these fields.
    fn tell(&self, span: &SpanContext, headers: &mut HeaderMap) {
        if !self.propagate {
            return;
        }
        let context = Context::new().with_remote_span_context(span.clone());
        headers.remove(TRACESTATE);
        TraceContextPropagator::new().inject_context(&context, &mut HeaderInjector(headers));
        if headers.get(TRACESTATE).is_some_and(HeaderValue::is_empty) {
            headers.remove(TRACESTATE);
        }
    }
}

/// The span that a request says it is made for; one that is not valid if it says none.
fn parent(headers: &HeaderMap) -> SpanContext {
    // The SDK takes numbers of any length, and lets one of the first version go on.
    let is_whole = |value: &HeaderValue| {
        let value = value.as_bytes();
        let dash = |at| value.get(at) == Some(&b'-');
        let ends = value.len() == 55 || (dash(55) && !value.starts_with(b"00"));
        dash(2) && dash(35) && dash(52) && ends
    };
    if !headers.get(TRACEPARENT).is_some_and(is_whole) {
        return SpanContext::NONE;
    }
    let headers = HeaderExtractor(headers);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &headers);
    context.span().span_context().clone()
}

/// The method, by the names that spans may have: a client can make up others.
fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] =
        ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}
