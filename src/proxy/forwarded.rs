//! What the upstream is told of the client's connection, in the fields that proxies agree on:
//! `x-forwarded-for`, `x-forwarded-proto` and `x-forwarded-host`.

use std::net::SocketAddr;

use http::header::{FORWARDED, HOST};
use http::uri::Uri;
use http::{HeaderMap, HeaderName, HeaderValue};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What becomes of those fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forwarded {
    /// They stay as the client, or whoever stands before the proxy, has sent them.
    #[default]
    Keep,
    /// The client's address is added to `x-forwarded-for`; the others are set where nobody has. For a
    /// listener behind proxies that are trusted.
    Append,
    /// They are set anew, and `forwarded` (RFC 7239) is taken out, whatever was sent.
    Replace,
}

impl Forwarded {
    /// Tells of a connection of `client`, over TLS or not.
    pub(super) fn tell(
        self,
        client: Option<SocketAddr>,
        tls: bool,
        uri: &Uri,
        headers: &mut HeaderMap,
    ) {
        match self {
            Self::Keep => return,
            Self::Append => {}
            Self::Replace => {
                for name in [FOR, PROTO, FORWARDED_HOST, FORWARDED] {
                    headers.remove(name);
                }
            }
        }
        if let Some(client) = client {
            let address = client.ip().to_canonical().to_string();
            let before = headers.get_all(FOR).iter().map(HeaderValue::as_bytes);
            // On one line: some servers read the first only.
            let list: Vec<&[u8]> = before.chain([address.as_bytes()]).collect();
            if let Ok(list) = HeaderValue::from_bytes(&list.join(b", ".as_slice())) {
                headers.insert(FOR, list);
            }
        }
        let proto = HeaderValue::from_static(if tls { "https" } else { "http" });
        headers.entry(PROTO).or_insert(proto);
        let host = uri.authority().and_then(|it| HeaderValue::try_from(it.as_str()).ok());
        if let Some(host) = host.or_else(|| headers.get(HOST).cloned()) {
            headers.entry(FORWARDED_HOST).or_insert(host);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(forwarded: Forwarded) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-forwarded-for", "203.0.113.9"),
            ("forwarded", "for=203.0.113.9"),
            ("x-forwarded-proto", "ftp"),
            ("host", "models.example"),
        ] {
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        let client = "[::ffff:192.0.2.7]:5".parse().ok();
        forwarded.tell(client, true, &Uri::from_static("/v1"), &mut headers);
        let of = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        let mut told: Vec<_> = headers.iter().map(of).filter(|(name, _)| name != "host").collect();
        told.sort();
        told
    }

    fn lines(lines: &[(&str, &str)]) -> Vec<(String, String)> {
        lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_client_is_told_of_as_is_asked_for() {
        let sent = [
            ("forwarded", "for=203.0.113.9"),
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-proto", "ftp"),
        ];
        assert_eq!(told(Forwarded::Keep), lines(&sent));
        let appended = lines(&[
            ("forwarded", "for=203.0.113.9"),
            ("x-forwarded-for", "203.0.113.9, 192.0.2.7"),
            ("x-forwarded-host", "models.example"),
            ("x-forwarded-proto", "ftp"),
        ]);
        assert_eq!(told(Forwarded::Append), appended);
        let replaced = lines(&[
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-host", "models.example"),
            ("x-forwarded-proto", "https"),
        ]);
        assert_eq!(told(Forwarded::Replace), replaced);
    }
}
