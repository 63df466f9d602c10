//! Where requests go: the upstream's address, with the path and query of each.

use http::Uri;
use http::header::HeaderValue;
use http::uri::{Authority, Parts, PathAndQuery, Scheme};

/// What the client library knows the upstream by where the address is not sent. It looks the name up several times
/// for each request, by a hash that takes dozens of instructions for each letter.
const ANY_NAME: &str = "u";

/// The upstream's, which may name who asks: it is not printed.
#[derive(Clone)]
pub(super) struct Address {
    scheme: Scheme,
    authority: Authority,
    /// The field `host`, where requests are certain to go out over HTTP/1, which sends nothing else of it.
    host: Option<HeaderValue>,
    /// Without a slash at its end.
    base_path: String,
}

impl Address {
    /// That of a URL, at which HTTP/2 is spoken without being agreed on, or not. `None` if it names no host.
    pub(super) fn new(url: &Uri, http2: bool) -> Option<Self> {
        let Parts { scheme, authority, .. } = url.clone().into_parts();
        let (scheme, authority) = (scheme?, authority?);
        let host = (scheme == Scheme::HTTP && !http2).then(|| host(&authority)).flatten();
        let base_path = url.path().trim_end_matches('/').to_owned();
        Some(Self { scheme, authority, host, base_path })
    }

    /// The field `host`, if it is to be given with a request: the client library then needs to know no more than
    /// where the request's path is.
    pub(super) fn host(&self) -> Option<&HeaderValue> {
        self.host.as_ref()
    }

    /// The same path and query behind the upstream's base, as the client library is to have it.
    pub(super) fn of(&self, asked: &Uri) -> Result<Uri, http::Error> {
        let authority = match self.host {
            Some(_) => Authority::from_static(ANY_NAME),
            None => self.authority.clone(),
        };
        self.with(authority, asked)
    }

    /// The whole of it.
    pub(super) fn whole(&self, asked: &Uri) -> Result<Uri, http::Error> {
        self.with(self.authority.clone(), asked)
    }

    fn with(&self, authority: Authority, asked: &Uri) -> Result<Uri, http::Error> {
        let asked = asked.path_and_query();
        let path = if self.base_path.is_empty() {
            asked.cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))
        } else {
            let asked = asked.map_or("/", PathAndQuery::as_str);
            PathAndQuery::try_from(format!("{}{asked}", self.base_path))?
        };
        let mut parts = Parts::default();
        (parts.scheme, parts.authority) = (Some(self.scheme.clone()), Some(authority));
        parts.path_and_query = Some(path);
        Ok(Uri::from_parts(parts)?)
    }
}

/// The field `host` over HTTP: without who asks, and without the usual port.
fn host(authority: &Authority) -> Option<HeaderValue> {
    let name = authority.host();
    match authority.port().filter(|port| port.as_u16() != 80) {
        Some(port) => HeaderValue::try_from(format!("{name}:{port}")).ok(),
        None => HeaderValue::from_str(name).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_itself_is_told_unless_a_field_is_all_that_is_sent_of_it() {
        for (url, http2, host, of) in [
            ("http://127.0.0.1:8000", false, Some("127.0.0.1:8000"), "http://u/v1/a?b=c"),
            ("http://models.test:80/", false, Some("models.test"), "http://u/v1/a?b=c"),
            ("http://me@[::1]:443/x/", false, Some("[::1]:443"), "http://u/x/v1/a?b=c"),
            ("http://models.test:8000", true, None, "http://models.test:8000/v1/a?b=c"),
            ("https://models.test/x", false, None, "https://models.test/x/v1/a?b=c"),
        ] {
            let address = Address::new(&url.parse().unwrap(), http2).unwrap();
            assert_eq!(address.host().map(|it| it.to_str().unwrap()), host, "{url}");
            let asked = "http://proxy.test/v1/a?b=c".parse().unwrap();
            assert_eq!(address.of(&asked).unwrap(), of);
        }
        assert!(Address::new(&Uri::from_static("/v1"), false).is_none());
    }
}
