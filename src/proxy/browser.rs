//! What a browser may ask of the admin listener.
//!
//! The listener asks nobody who they are, so a page from anywhere, open on a machine that reaches it,
//! could ask in its place. A browser says which page asks: one of another origin is refused. A page can
//! have its own name lead to the listener, too (DNS rebinding), and is of the same origin then; but it has
//! to use that name. So browsers are answered under addresses, names that nobody else can have, and those
//! that the configuration gives. Programs send none of what tells a browser, and may use any name, as
//! Prometheus does that of a service.

use std::net::IpAddr;

use http::header::{ACCEPT_LANGUAGE, HOST, HeaderMap, HeaderValue, ORIGIN, USER_AGENT};
use http::uri::Authority;
use http::{Request, Uri};

/// Why a browser is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Turned {
    /// It gives an order.
    #[error("not from a browser")]
    Order,
    /// A page of another origin asks.
    #[error("not from a page elsewhere")]
    Elsewhere,
    /// The name may be that of somebody else's page.
    #[error(
        "no browser is answered under this name: use an address, or add the name to admin.hosts"
    )]
    Name,
}

const SITE: &str = "sec-fetch-site";
const MODE: &str = "sec-fetch-mode";
const DESTINATION: &str = "sec-fetch-dest";

/// Whether a request may be answered: an order, or a question. `hosts` are names that belong to the
/// listener.
pub(super) fn check<B>(request: &Request<B>, order: bool, hosts: &[String]) -> Result<(), Turned> {
    let headers = request.headers();
    if order && (headers.contains_key(ORIGIN) || headers.contains_key(SITE)) {
        return Err(Turned::Order);
    }
    if !is_browser(headers) {
        return Ok(());
    }
    let authority = authority(request.uri(), headers);
    if is_elsewhere(headers, authority.as_ref()) {
        return Err(Turned::Elsewhere);
    }
    match authority.as_ref().map(Authority::host) {
        Some(host) if belongs(host, hosts) => Ok(()),
        _ => Err(Turned::Name),
    }
}

/// Whether a browser asks. To addresses without TLS it does not say which page does (Fetch Metadata,
/// section 2), but no page can take out the language of its user, which programs have no use for.
fn is_browser(headers: &HeaderMap) -> bool {
    let agent = headers.get(USER_AGENT).map(HeaderValue::as_bytes);
    [SITE, MODE, DESTINATION].iter().any(|name| headers.contains_key(*name))
        || headers.contains_key(ORIGIN)
        || headers.contains_key(ACCEPT_LANGUAGE)
        || agent.is_some_and(|agent| agent.starts_with(b"Mozilla/"))
}

/// Whether a page of another origin asks, other than by leading here, which tells it nothing.
fn is_elsewhere(headers: &HeaderMap, authority: Option<&Authority>) -> bool {
    let text = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
    let leads = text(MODE).is_some_and(|it| it == b"navigate")
        && text(DESTINATION).is_some_and(|it| it == b"document");
    let site = text(SITE);
    let other_site = site.is_some_and(|site| !matches!(site, b"same-origin" | b"none"));
    let other_origin = headers.get_all(ORIGIN).iter().any(|origin| {
        let origin = origin.to_str().unwrap_or_default();
        let named = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        !named.zip(authority).is_some_and(|(named, it)| named.eq_ignore_ascii_case(it.as_str()))
    });
    other_origin || other_site && !leads
}

fn authority(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let named = || Authority::try_from(headers.get(HOST)?.as_bytes()).ok();
    uri.authority().cloned().or_else(named)
}

/// Whether a host is one that no page elsewhere can have for its own: an address, a name of this machine,
/// one without a dot (a dot behind it makes it a top-level domain), or one that is known.
fn belongs(named: &str, hosts: &[String]) -> bool {
    let host = named.trim_end_matches('.');
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().is_ok()
        || !named.contains('.')
        || host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
}
