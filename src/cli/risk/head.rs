//! A request's head, as someone has it at hand: whole, its fields alone, or the risk header's value.

use http::{HeaderName, HeaderValue, Method, Request, Uri, request};

use super::super::Failure;

/// Reads a head. `method` and `path` are those of the request where the text does not say them.
pub(super) fn read(text: &str, method: &Method, path: &str) -> Result<request::Parts, Failure> {
    let mut lines = text.lines().map(str::trim_end).skip_while(|line| line.is_empty()).peekable();
    let (mut method, mut uri) = (method.clone(), path.parse::<Uri>()?);
    if let Some((said, target)) = lines.peek().and_then(|line| request_line(line)) {
        (method, uri) = (said, target.parse().map_err(|_| "the request line has no usable path")?);
        lines.next();
    }
    let mut request = Request::new(());
    (*request.method_mut(), *request.uri_mut()) = (method, uri);
    // The body, if there is one, says nothing about the risk.
    let fields = lines.take_while(|line| !line.is_empty());
    for (index, line) in fields.enumerate() {
        let (name, value) = match field(line) {
            Some(field) => field,
            None if index == 0 => (HeaderName::from_static("guilloche-risk"), line),
            None => return Err(format!("line {}: not a header field", index + 1).into()),
        };
        let value = HeaderValue::from_str(value)
            .map_err(|_| format!("{name}: its value has bytes that no header may have"))?;
        request.headers_mut().append(name, value);
    }
    Ok(request.into_parts().0)
}

/// `POST /v1/chat/completions HTTP/1.1`, with or without the version.
fn request_line(line: &str) -> Option<(Method, &str)> {
    let mut words = line.split(' ');
    let method: Method = words.next()?.parse().ok()?;
    let target = words.next().filter(|target| target.starts_with('/'))?;
    let version = words.next().is_none_or(|version| version.starts_with("HTTP/"));
    (version && words.next().is_none()).then_some((method, target))
}

/// `name: value`. The value of a risk header begins `account="…"`, which is none.
fn field(line: &str) -> Option<(HeaderName, &str)> {
    let (name, value) = line.split_once(':')?;
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_its_fields_alone_and_the_bare_value_are_read() {
        let whole = "POST /v1/messages?beta=true HTTP/1.1\r\nHost: a\r\nGuilloche-Risk: account=\"a\"\r\n\
                     \r\n{\"not\": a field}";
        let parts = read(whole, &Method::GET, "/").unwrap();
        assert_eq!((parts.method, parts.uri.path()), (Method::POST, "/v1/messages"));
        assert_eq!(parts.headers["guilloche-risk"], "account=\"a\"");
        assert_eq!(parts.headers.len(), 2);
        let fields = "guilloche-risk: account=\"a:b\"\nsignature: guilloche=:AA==:\n";
        let parts = read(fields, &Method::POST, "/v1/x").unwrap();
        assert_eq!((parts.method, parts.uri.path()), (Method::POST, "/v1/x"));
        assert_eq!(parts.headers["signature"], "guilloche=:AA==:");
        let value = "account=\"it: is\", score=0.5, issued=1, ttl=5, credential=:AA==:";
        let parts = read(value, &Method::POST, "/v1/x").unwrap();
        assert_eq!(parts.headers["guilloche-risk"], value);
        for wrong in ["a: b\nno field\n", "POST /\u{7f} HTTP/1.1", "a: \u{1}"] {
            assert!(read(wrong, &Method::POST, "/").is_err(), "{wrong:?}");
        }
    }
}
