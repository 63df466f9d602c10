//! Where requests go: the upstream's address, with the path and query of each.

use http::Uri;
use http::header::HeaderValue;
use http::uri::{Authority, Parts, PathAndQuery, Scheme};

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

    /// The field `host`, if it is to be given with a request, which then needs no more than its path.
    pub(super) fn host(&self) -> Option<&HeaderValue> {
        self.host.as_ref()
    }

    /// The same path and query behind the upstream's base, with as much before it as a request needs.
    pub(super) fn of(&self, asked: &Uri) -> Result<Uri, http::Error> {
        match self.host {
            Some(_) => Ok(Uri::from(self.path(asked)?)),
            None => self.whole(asked),
        }
    }

    /// The whole of it.
    pub(super) fn whole(&self, asked: &Uri) -> Result<Uri, http::Error> {
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(self.path(asked)?);
        Ok(Uri::from_parts(parts)?)
    }

    fn path(&self, asked: &Uri) -> Result<PathAndQuery, http::Error> {
        let asked = asked.path_and_query();
        if self.base_path.is_empty() {
            return Ok(asked.cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
        }
        let asked = asked.map_or("/", PathAndQuery::as_str);
        Ok(PathAndQuery::try_from(format!("{}{asked}", self.base_path))?)
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
            ("http://127.0.0.1:8000", false, Some("127.0.0.1:8000"), "/v1/a?b=c"),
            ("http://models.test:80/", false, Some("models.test"), "/v1/a?b=c"),
            ("http://me@[::1]:443/x/", false, Some("[::1]:443"), "/x/v1/a?b=c"),
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
