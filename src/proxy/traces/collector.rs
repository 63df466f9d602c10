//! How spans reach their collector: by the client that the upstream is asked by.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;
use tower_service::Service;

use crate::proxy::config;
use crate::proxy::start_error::StartError;
use crate::secret::opaque_debug;
use crate::upstream::{TlsError, Upstream, own};

/// For one batch of spans, as the SDK has it of itself.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of an answer's head, and of its body.
const MAX_HEAD_BYTES: u32 = 64 << 10;
const MAX_BODY_BYTES: usize = 1 << 20;

opaque_debug!(Collector);

pub(super) struct Collector {
    client: Upstream,
    /// Whose timers and sockets the client needs; the SDK asks from a thread that has none.
    runtime: Handle,
}

impl Collector {
    /// To be called in the runtime.
    pub(super) fn new(client: Upstream) -> Self {
        Self { client, runtime: Handle::current() }
    }
}

/// What the collector is asked by.
pub(super) fn client(settings: &config::Traces) -> Result<Upstream, StartError> {
    let config::Traces { endpoint, ca_file, .. } = settings;
    let mut parts = endpoint.clone().into_parts();
    // The path comes with each request.
    parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    let base = http::Uri::from_parts(parts).ok();
    let settings = base.and_then(|base| own::settings(base, ca_file.clone(), TIMEOUT, 1));
    let settings = settings.ok_or(TlsError::NoHost)?;
    Ok(Upstream::new(&settings, MAX_HEAD_BYTES)?)
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut client = self.client.clone();
        let exchange = self.runtime.spawn(async move {
            let response = client.call(request.map(Full::new)).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_BODY_BYTES).collect().await?.to_bytes();
            Ok(Response::from_parts(head, body))
        });
        exchange.await?
    }
}
