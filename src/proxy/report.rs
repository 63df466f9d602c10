//! One exchange with a client, from the arrival of its head to its end: what the access log and the
//! metrics say of it.

use std::sync::Arc;

use http::{Method, Request, Response, Version};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::connection::Connection;
use super::ending::{Ending, Observer};
use super::metrics::Metrics;
use super::traces::{ExchangeSpan, Traces};
use crate::audit::{DecisionName, Durations, Outcome};
use crate::lines::LineWriter;
use crate::wire::{ProtocolId, protocol_of};

/// What exchanges report to.
#[derive(Debug)]
pub(super) struct ReportTargets {
    pub(super) metrics: Arc<Metrics>,
    pub(super) access_log: Option<Arc<LineWriter>>,
    pub(super) traces: Option<Traces>,
}

/// Bytes of a path that the access log shows.
const LONGEST_PATH: usize = 512;

#[derive(Debug)]
pub(super) struct ExchangeReport {
    reports: Arc<ReportTargets>,
    connection: Arc<Connection>,
    time: Timestamp,
    started: Instant,
    first_byte: Option<Instant>,
    method: Method,
    path: String,
    /// The protocol that the path belongs to, for the metrics.
    protocol: Option<ProtocolId>,
    status: Option<u16>,
    bytes: u64,
    /// The decision, or what an answer of ours is known by where there was none.
    decision: Option<DecisionName>,
    is_decided: bool,
    span: Option<ExchangeSpan>,
    /// Whether the client knows the end of the body only by the end of the connection.
    by_closing: bool,
}

/// A line of the access log. Its fields are documented in `docs/configuration.md`.
#[derive(Debug, Serialize)]
struct Line<'e> {
    time: Timestamp,
    method: &'e str,
    path: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    bytes: u64,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'e DecisionName>,
    durations: Durations,
}

impl ExchangeReport {
    pub(super) fn new<B>(
        request: &mut Request<B>,
        reports: Arc<ReportTargets>,
        connection: Arc<Connection>,
    ) -> Self {
        reports.metrics.request_began();
        connection.request_began();
        let path = request.uri().path();
        let protocol = protocol_of(request.method(), path);
        // No more characters than bytes.
        let cut = Some(path).filter(|path| path.len() > LONGEST_PATH);
        let cut = cut.and_then(|path| path.char_indices().nth(LONGEST_PATH));
        let longest = cut.map_or(path.len(), |(end, _)| end);
        let path = path.get(..longest).unwrap_or_default().to_owned();
        let by_closing = request.version() == Version::HTTP_10;
        if by_closing {
            connection.reset_unless_complete(true);
        }
        Self {
            connection,
            time: Timestamp::now(),
            started: Instant::now(),
            first_byte: None,
            method: request.method().clone(),
            span: reports.traces.as_ref().map(|traces| traces.begin(request, protocol, &path)),
            path,
            protocol,
            status: None,
            bytes: 0,
            decision: None,
            is_decided: false,
            by_closing,
            reports,
        }
    }

    /// Notes the head of the answer.
    pub(super) fn answered<B>(&mut self, response: &Response<B>) {
        self.status = Some(response.status().as_u16());
        self.decision = response.extensions().get().cloned();
        self.is_decided = self.decision.is_some();
    }

    /// Notes the head of an answer of ours, because the upstream gave none.
    pub(super) fn failed<B>(
        &mut self,
        response: &Response<B>,
        decision: DecisionName,
        is_decided: bool,
    ) {
        self.status = Some(response.status().as_u16());
        (self.decision, self.is_decided) = (Some(decision), is_decided);
    }
}

impl Observer for ExchangeReport {
    fn data(&mut self, bytes: usize) {
        if self.first_byte.is_none() {
            self.first_byte = Some(Instant::now());
            if let Some(span) = &self.span {
                span.first_byte();
            }
        }
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    fn end(self, ending: Ending) {
        let duration = self.started.elapsed();
        let first_byte = self.first_byte.map(|at| at.duration_since(self.started));
        let metrics = &self.reports.metrics;
        metrics.request_ended(self.protocol, self.status, first_byte, duration);
        let outcome = match ending {
            Ending::Complete => Outcome::Complete,
            Ending::Error => Outcome::UpstreamError,
            Ending::Cancelled => Outcome::Cancelled,
        };
        // The end of a decided exchange is in its audit record, which knows more endings.
        if !self.is_decided {
            metrics.traffic().passed(self.protocol, outcome);
        }
        if self.by_closing && ending == Ending::Complete {
            self.connection.reset_unless_complete(false);
        }
        self.connection.request_ended();
        if let Some(span) = self.span {
            span.end(self.status, self.bytes, outcome, self.decision.as_ref());
        }
        if let Some(access_log) = &self.reports.access_log {
            let milliseconds = |duration: std::time::Duration| {
                u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
            };
            access_log.write(&Line {
                time: self.time,
                method: self.method.as_str(),
                path: &self.path,
                status: self.status,
                bytes: self.bytes,
                outcome,
                decision: self.decision.as_ref(),
                durations: Durations {
                    first_byte_ms: first_byte.map(milliseconds),
                    total_ms: milliseconds(duration),
                },
            });
        }
    }
}
