//! Whose word is taken because of the certificate that their connection has shown.

use std::sync::Arc;

use http::{HeaderMap, request};
use jiff::Timestamp;

use super::{Assessment, PeerHeader, Reports, RiskSource};
use crate::ready::MaybeReady;
use crate::secret::opaque_debug;

/// The names in a client certificate that was verified, its DNS names and URIs: an extension of the
/// requests on its connection, set by whoever has verified it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientNames(Arc<[String]>);

opaque_debug!(ClientNames);

impl ClientNames {
    /// Whether one of them is `name`. DNS names are compared without regard to case, URIs to the letter.
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|it| match it.contains(':') {
            true => it == name,
            false => it.eq_ignore_ascii_case(name),
        })
    }
}

impl FromIterator<String> for ClientNames {
    fn from_iter<T: IntoIterator<Item = String>>(names: T) -> Self {
        Self(names.into_iter().collect())
    }
}

/// Takes the word of peers whose certificate has one of some names, without a signature, and asks
/// another source about everybody else's requests.
///
/// Whoever holds such a certificate may say anything about any caller. It belongs to a gateway or a
/// detector that replaces the risk header of its clients, and to nobody who passes it on.
#[derive(Debug)]
pub struct CertifiedPeer {
    names: Vec<String>,
    peer: PeerHeader,
    otherwise: Box<dyn RiskSource>,
}

impl CertifiedPeer {
    /// Believes `peer` where the request's [`ClientNames`] have one of `names`, else `otherwise`.
    #[must_use]
    pub fn new(names: Vec<String>, peer: PeerHeader, otherwise: Box<dyn RiskSource>) -> Self {
        Self { names, peer, otherwise }
    }

    fn source(&self, request: &request::Parts) -> &dyn RiskSource {
        let shown = request.extensions.get::<ClientNames>();
        match shown.is_some_and(|shown| self.names.iter().any(|name| shown.has(name))) {
            true => &self.peer,
            false => &*self.otherwise,
        }
    }
}

impl RiskSource for CertifiedPeer {
    fn assess(&self, request: &request::Parts, now: Timestamp) -> Assessment {
        self.source(request).assess(request, now)
    }

    fn ask(&self, request: &request::Parts, now: Timestamp) -> MaybeReady<Assessment> {
        self.source(request).ask(request, now)
    }

    fn reports(&self) -> Option<&Arc<Reports>> {
        self.otherwise.reports()
    }

    fn strip(&self, headers: &mut HeaderMap) {
        self.otherwise.strip(headers);
    }
}
