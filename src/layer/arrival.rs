//! A request that has arrived, and the way it goes once it is known who sent it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::{Method, request};
use http_body::Body;
use jiff::Timestamp;
use tokio::time::Instant;

use super::admission::Subjects;
use super::arms::Counted;
use super::budget::Held;
use super::exchange::{Exchange, target};
use super::head;
use super::history::{History, Known};
use super::hook::{Decided, Watch};
use super::late::Late;
use super::recalled::Recalled;
use super::repeating::{Asked, Repeating};
use super::shared::{Live, Shared};
use crate::audit;
use crate::policy::RequestFacts;
use crate::risk::Assessment;
use crate::wire::{
    ProtocolId, Route, ServerKind, WayRound, asks_for_websocket, conversation_protocol, route,
};

/// A request before it is decided.
pub(super) struct Arrival<S, B> {
    pub(super) parts: request::Parts,
    pub(super) body: B,
    /// The instance that is ready to take the request.
    pub(super) inner: S,
    pub(super) time: Timestamp,
    /// When it arrived, where it had to wait since.
    pub(super) since: Option<Instant>,
}

/// What becomes of a request.
pub(super) enum Way<S, B> {
    /// It goes on unread.
    Untouched { parts: request::Parts, body: B, inner: S, watch: Option<Watch> },
    /// Nothing is done to its caller, but it may repeat answers that were marked.
    /// Boxed, as it is rare and far larger than what others have.
    Repeating {
        repeating: Box<Repeating<B>>,
        later: Option<Later>,
        parts: request::Parts,
        inner: S,
        watch: Option<Watch>,
    },
    /// Its caller has reached a grade.
    Decided { exchange: Box<Exchange>, parts: request::Parts, body: B, inner: S },
}

/// Makes an exchange of a request to which nothing is done, once something is.
pub(super) type Later = Box<dyn FnOnce(&request::Parts) -> Box<Exchange> + Send>;

impl<S, B: Body<Data = Bytes>> Arrival<S, B> {
    /// Decides about the request of a caller who is known by now, by what was pinned when it arrived.
    pub(super) fn decide(
        self,
        shared: &Arc<Shared>,
        live: Arc<Live>,
        assessment: Assessment,
    ) -> Way<S, B> {
        let Self { parts, time, .. } = &self;
        let path = parts.uri.path();
        let route = way_of(live.server, parts, has_body(parts, &self.body));
        let recalled = Recalled::of(&shared.stored, path, route);
        if matches!(route, Route::Open) {
            return self.untouched(shared, &live, &assessment, None, None);
        }
        let started = || self.since.unwrap_or_else(Instant::now);
        let recalls = recalled.as_ref().is_some_and(|it| it.concerns_anybody(&shared.stored));
        // What a caller carries sealed may have to be guarded, which is decided about as anything is.
        let unreached = match live.seals() {
            Some(_) => None,
            None => live.unreached(&assessment, *time).filter(|_| !recalls),
        };
        if let Some(counted) = unreached {
            let watch = counted.map(|counted| Watch::new(None, Some(counted), started()));
            return self.untouched(shared, &live, &assessment, watch, None);
        }
        let protocol = match route {
            Route::Protocol(id) | Route::Stored(id) => Some(id),
            Route::Open | Route::NoText | Route::WayRound(_) | Route::Unknown => None,
        };
        let mut chosen = live.choose(&assessment, *time, |policy, id| match route {
            Route::NoText => policy.decide_without_text_as(id, &assessment, path, *time),
            Route::WayRound(_) => policy.decide_way_round_as(id, &assessment, path, *time),
            Route::Open | Route::Protocol(_) | Route::Stored(_) | Route::Unknown => {
                policy.decide_as(id, &assessment, RequestFacts { path, protocol }, *time)
            }
        });
        let protocol = protocol.map(ProtocolId::codec);
        let at_end = live
            .hook
            .as_ref()
            .and_then(|hook| hook.decided(&Decided::new(&chosen.decision, &assessment)));
        let counted = chosen.counted.take();
        let is_read = counted.as_ref().is_some_and(Counted::reads);
        let is_watched = at_end.is_some() || counted.is_some();
        let watch = is_watched.then(|| Watch::new(at_end, counted, started()));
        let idle = chosen.decision.concerns_nobody() && chosen.others.is_empty();
        if idle && !is_read && !recalls {
            let later = live.seals().is_some().then(|| {
                let (shared, live, assessment) =
                    (Arc::clone(shared), Arc::clone(&live), assessment.clone());
                let decided = (started(), self.time);
                Box::new(move |parts: &request::Parts| {
                    let (started, time) = decided;
                    Box::new(Exchange::new(
                        &shared,
                        live,
                        (chosen, false),
                        assessment,
                        protocol,
                        parts,
                        (time, started),
                    ))
                }) as Later
            });
            return self.untouched(shared, &live, &assessment, watch, later);
        }
        let started = started();
        let Self { mut parts, body, inner, time, .. } = self;
        // An inner service that fails gives no answer to carry it.
        parts.extensions.insert(audit::DecisionName(chosen.decision.id.to_string()));
        if is_read && protocol.is_some() {
            // Else those of whom nothing is read would get it compressed, in their arm alone.
            head::ask_for_plain_answer(&mut parts.headers);
        }
        let mut exchange = Exchange::new(
            shared,
            live,
            (chosen, is_read),
            assessment,
            protocol,
            &parts,
            (time, started),
        );
        exchange.watch(watch);
        exchange.recalls(recalled);
        Way::Decided { exchange: Box::new(exchange), parts, body, inner }
    }

    /// Nothing is done to this caller: the request goes on unread, unless it may repeat answers that
    /// were marked.
    fn untouched(
        self,
        shared: &Shared,
        live: &Live,
        assessment: &Assessment,
        watch: Option<Watch>,
        later: Option<Later>,
    ) -> Way<S, B> {
        let Self { parts, body, inner, .. } = self;
        let Shared { originals, budget, .. } = shared;
        let Live { caps, keys, .. } = live;
        let known = Known { originals, seals: live.seals() };
        // Where nothing is remembered of anyone, and nothing sealed, nothing is looked at.
        let used = originals.is_used() || known.seals.is_some();
        let protocol = used
            .then(|| conversation_protocol(live.server, &parts.method, parts.uri.path()))
            .flatten();
        let (principal, cap) = (&assessment.principal, caps.request_body);
        let repeated = History::repeated(known, principal, protocol, &parts.headers, cap);
        let Some((history, protocol)) = repeated.zip(protocol) else {
            return Way::Untouched { parts, body, inner, watch };
        };
        let answers =
            matches!(route(live.server, &parts.method, parts.uri.path(), true), Route::Protocol(_));
        let target = answers.then(|| target(&parts.method, &parts.uri));
        let asked = Asked { protocol, target };
        let late = Late::after(caps.request_body_time);
        let subjects = Subjects::of(principal, keys.subject.expose());
        let held = Held::new(Arc::clone(budget), subjects.account);
        let repeating =
            Box::new(Repeating::new(history.counting(!answers), asked, body, cap, late, held));
        Way::Repeating { repeating, later, parts, inner, watch }
    }
}

fn way_of(server: ServerKind, parts: &request::Parts, has_body: bool) -> Route {
    let path = parts.uri.path();
    match route(server, &parts.method, path, has_body) {
        // Nobody knows what is said behind a change of protocol.
        Route::Open | Route::NoText | Route::Stored(_) if parts.headers.contains_key(UPGRADE) => {
            Route::WayRound(WayRound::Respelled)
        }
        // What is asked of a known endpoint in another way is decided about as there.
        other @ (Route::WayRound(_) | Route::Unknown) if asks_for_websocket(parts) => {
            match route(server, &Method::POST, path, false) {
                protocol @ Route::Protocol(_) => protocol,
                _ => other,
            }
        }
        route => route,
    }
}

/// Whether a request has a body, or may have one.
fn has_body<B: Body>(parts: &request::Parts, body: &B) -> bool {
    let length = parts.headers.get(CONTENT_LENGTH).map(HeaderValue::as_bytes);
    let announced = length.is_some_and(|length| length != b"0")
        || parts.headers.contains_key(TRANSFER_ENCODING);
    announced || !body.is_end_stream()
}
