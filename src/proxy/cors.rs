//! Letting a browser read what the proxy answers itself.
//!
//! The upstream says which origins may read its answers; an answer of the proxy's own says the same.
//! What it says is remembered from its answers to preflights, by origin and path, and never widened:
//! nothing is taken from what a client claims, and where nothing is remembered nothing is said. At
//! most [`REMEMBERED`] answers are kept, the oldest going first; an origin that is forgotten is known
//! again from its next preflight.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::secret::opaque_debug;
use crate::wire::has_field;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use tokio::time::Instant;

/// Answers to preflights that are kept.
const REMEMBERED: usize = 4096;

/// The longest origin and path, together, of which anything is kept.
const LONGEST: usize = 1024;

/// Browsers ask again after a day at the latest.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// What scripts need of an answer of ours beside its body.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "guilloche-decision, x-request-id, request-id, retry-after, x-should-retry, ratelimit, \
     ratelimit-policy",
);

/// What the upstream allows browsers.
#[derive(Debug, Default)]
pub(super) struct Cors(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    allowed: HashMap<Asker, Allowed>,
    /// In the order in which they were first heard of.
    order: VecDeque<Asker>,
}

/// The origin and path of a request.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Asker {
    origin: HeaderValue,
    path: String,
}

opaque_debug!(Asker);

#[derive(Clone, Debug)]
struct Allowed {
    origin: HeaderValue,
    credentials: Option<HeaderValue>,
    since: Instant,
}

impl Asker {
    /// Who asks, if it is a browser's script of another origin.
    pub(super) fn of<B>(request: &Request<B>) -> Option<Self> {
        let headers = request.headers();
        let origin = headers.get(Some(ORIGIN).filter(|name| has_field(headers, name))?)?.clone();
        let path = request.uri().path();
        (origin.len() + path.len() <= LONGEST).then(|| Self { origin, path: path.to_owned() })
    }
}

impl Cors {
    /// Notes what the upstream answered to a preflight, if it was one.
    pub(super) fn heard<B>(&self, method: &Method, asker: Option<&Asker>, answer: &Response<B>) {
        let Some(asker) = asker.filter(|_| *method == Method::OPTIONS) else { return };
        let headers = answer.headers();
        let allowed = only(headers, ACCESS_CONTROL_ALLOW_ORIGIN).filter(|origin| {
            let fits = *origin == asker.origin || *origin == "*";
            fits && answer.status().is_success()
        });
        let credentials = only(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS);
        let credentials = credentials.filter(|value| *value == "true");
        let allowed = allowed.map(|origin| Allowed { origin, credentials, since: Instant::now() });
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.set(asker, allowed);
    }

    /// Lets the asker read an answer of the proxy's own as far as the upstream lets it read its own.
    pub(super) fn allow<B>(&self, asker: Option<&Asker>, answer: &mut Response<B>) {
        let Some(asker) = asker else { return };
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Allowed { origin, credentials, since }) = table.allowed.get(asker).cloned() else {
            return;
        };
        drop(table);
        if since.elapsed() > KEPT {
            return;
        }
        let headers = answer.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if let Some(credentials) = credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, credentials);
        }
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
}

/// The value of a field that must stand once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.clone())
}

impl Table {
    fn set(&mut self, asker: &Asker, allowed: Option<Allowed>) {
        let Some(allowed) = allowed else {
            // What the upstream has taken back is not said for it. Its place in the order stays, and
            // counts against the bound, until its turn comes.
            self.allowed.remove(asker);
            return;
        };
        if self.allowed.insert(asker.clone(), allowed).is_none() {
            self.order.push_back(asker.clone());
        }
        while self.order.len() > REMEMBERED {
            let oldest = self.order.pop_front();
            oldest.map(|oldest| self.allowed.remove(&oldest));
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn asker(origin: &str) -> Option<Asker> {
        let request = Request::post("/v1/chat/completions").header(ORIGIN, origin);
        Asker::of(&request.body(()).unwrap())
    }

    fn preflight(fields: &[(&str, &str)]) -> Response<()> {
        let answer = Response::builder().status(StatusCode::NO_CONTENT);
        fields
            .iter()
            .fold(answer, |answer, (name, value)| answer.header(*name, *value))
            .body(())
            .unwrap()
    }

    fn told(cors: &Cors, origin: &str) -> Option<HeaderMap> {
        let mut answer = Response::new(());
        cors.allow(asker(origin).as_ref(), &mut answer);
        Some(answer.headers().clone()).filter(|headers| !headers.is_empty())
    }

    const APP: &str = "https://app.example";
    const ALLOW: &str = "access-control-allow-origin";

    #[tokio::test(start_paused = true)]
    async fn an_origin_is_told_what_the_upstream_told_it_and_no_other_is() {
        let cors = Cors::default();
        assert_eq!(told(&cors, APP), None);
        let credentials = ("access-control-allow-credentials", "true");
        let answer = preflight(&[(ALLOW, APP), credentials]);
        // A post that the upstream answered is no preflight.
        cors.heard(&Method::POST, asker(APP).as_ref(), &answer);
        assert_eq!(told(&cors, APP), None);
        cors.heard(&Method::OPTIONS, asker(APP).as_ref(), &answer);
        let headers = told(&cors, APP).unwrap();
        assert_eq!(headers[ALLOW], APP);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["vary"], "origin");
        assert_eq!(told(&cors, "https://other.example"), None);
        // What is taken back is forgotten, and so is what browsers have forgotten.
        cors.heard(&Method::OPTIONS, asker(APP).as_ref(), &preflight(&[]));
        assert_eq!(told(&cors, APP), None);
        cors.heard(&Method::OPTIONS, asker(APP).as_ref(), &preflight(&[(ALLOW, "*")]));
        assert_eq!(told(&cors, APP).unwrap()[ALLOW], "*");
        tokio::time::advance(KEPT + Duration::from_secs(1)).await;
        assert_eq!(told(&cors, APP), None);
    }

    #[test]
    fn an_answer_that_browsers_would_not_take_is_not_kept() {
        let cors = Cors::default();
        for fields in [
            &[(ALLOW, "https://other.example")][..],
            &[(ALLOW, APP), (ALLOW, "*")],
            &[(ALLOW, "null")],
        ] {
            cors.heard(&Method::OPTIONS, asker(APP).as_ref(), &preflight(fields));
            assert_eq!(told(&cors, APP), None, "{fields:?}");
        }
        let mut refused = preflight(&[(ALLOW, APP)]);
        *refused.status_mut() = StatusCode::FORBIDDEN;
        cors.heard(&Method::OPTIONS, asker(APP).as_ref(), &refused);
        assert_eq!(told(&cors, APP), None);
    }

    #[test]
    fn origins_beyond_the_bound_take_the_place_of_the_oldest() {
        let cors = Cors::default();
        for index in 0..REMEMBERED + 2 {
            let origin = format!("https://{index}.example");
            let answer = preflight(&[(ALLOW, &origin)]);
            cors.heard(&Method::OPTIONS, asker(&origin).as_ref(), &answer);
        }
        assert_eq!(told(&cors, "https://1.example"), None);
        assert!(told(&cors, "https://2.example").is_some());
        let table = cors.0.lock().unwrap();
        assert_eq!((table.allowed.len(), table.order.len()), (REMEMBERED, REMEMBERED));
        assert_eq!(asker(&"x".repeat(LONGEST)), None);
    }
}
