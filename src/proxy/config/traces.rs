//! `[traces]`: where spans of exchanges are sent, and of which.

use std::path::PathBuf;

use http::Uri;

use super::reader::Reader;
use super::setting::{BaseUrl, Setting, Text};

const SECTION: &str = "traces";

/// A collector that takes OTLP over HTTP, and what it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Traces {
    /// Its address; spans are posted to `/v1/traces` there, or to the path if it has one.
    pub endpoint: Uri,
    /// Certificates to trust besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// The `service.name` of the spans.
    pub service: String,
    /// Of which share of the traces that begin here spans are sent, from 0 to 1.
    pub sample: f64,
    /// What a client's `traceparent` means.
    pub parent: Parent,
    /// Whether the upstream is told of its span.
    pub propagate: bool,
}

/// What becomes of the trace that a client says its request belongs to (W3C Trace Context).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parent {
    /// The exchange is a part of it, and sampled if it is: for clients and gateways of one's own.
    #[default]
    Follow,
    /// The exchange begins a trace of its own, with a link to it: strangers decide neither what is sampled
    /// nor which trace a span is in.
    Link,
}

impl Setting for Parent {
    const EXPECTED: &'static str = "\"follow\" or \"link\"";

    fn read(text: &str) -> Option<Self> {
        match text {
            "follow" => Some(Self::Follow),
            "link" => Some(Self::Link),
            _ => None,
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Traces> {
    let endpoint = reader.optional(SECTION, "endpoint").map(|BaseUrl(url)| url);
    let ca_file = reader.path(SECTION, "ca_file");
    let Text(service) = reader.or(SECTION, "service", Text("guilloche".to_owned()));
    let sample = reader.or(SECTION, "sample", 1.0);
    if !(0.0..=1.0).contains(&sample) {
        reader.wrong(SECTION, "sample", "must be a number from 0 to 1".to_owned());
    }
    let parent = reader.or(SECTION, "parent", Parent::default());
    let propagate = reader.or(SECTION, "propagate", true);
    let endpoint = endpoint?;
    if !cfg!(feature = "otel") {
        let message = "needs a program that was built with the feature `otel` \
             (`cargo install guilloche --features otel`)";
        reader.wrong(SECTION, "endpoint", message.to_owned());
    }
    Some(Traces { endpoint, ca_file, service, sample, parent, propagate })
}
