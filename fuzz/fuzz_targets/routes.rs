//! Request targets: every path of every kind of server is classified, and where a spelling that a lenient server
//! would normalize leads to an endpoint, the path is no open, unread or unknown one. What a target says of a
//! model and of streaming stands in it.
#![no_main]

use guilloche::wire::{Route, ServerKind, Target, conversation_protocol, error_protocol, route};
use http::Method;
use libfuzzer_sys::fuzz_target;

/// What a lenient server makes of a path: escapes decoded, once or twice, segments of dots resolved, empty ones,
/// parameters and a slash at the end left out.
fn normalized(path: &str) -> Option<String> {
    let mut path = path.to_owned();
    for _ in 0..2 {
        let mut plain = Vec::new();
        let bytes = path.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let digits = path.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
            match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(byte) => (plain.push(byte), at += 3).1,
                None => (plain.push(bytes[at]), at += 1).1,
            }
        }
        path = String::from_utf8(plain).ok()?;
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split(['/', '\\']) {
        match segment.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    Some(format!("/{}", segments.join("/")))
}

fn leads_to_text(found: Route) -> bool {
    matches!(found, Route::Protocol(_) | Route::Stored(_) | Route::WayRound(_))
}

fuzz_target!(|data: &[u8]| {
    let Some((how, data)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(data);
    let kinds = ServerKind::ALL;
    let server = kinds[usize::from(how % 16) % kinds.len()];
    let methods =
        [Method::POST, Method::GET, Method::HEAD, Method::OPTIONS, Method::DELETE, Method::PUT];
    let method = &methods[usize::from(how / 16) % methods.len()];
    let path = format!("/{}", text.split('?').next().unwrap_or_default());
    let has_body = *method == Method::POST;
    let found = route(server, method, &path, has_body);
    if let Some(plain) = normalized(&path).filter(|plain| *plain != path) {
        let meant = route(server, method, &plain, has_body);
        if matches!(meant, Route::Protocol(_)) {
            assert!(
                leads_to_text(found),
                "{server:?} {method} {path}: {found:?}, {plain}: {meant:?}"
            );
        }
    }
    if matches!(found, Route::Protocol(_)) {
        assert!(conversation_protocol(server, method, &path).is_some());
    }
    let _ = error_protocol(&path);
    let target = Target::new(method.clone(), &format!("/{text}"));
    assert_eq!(target.as_str(), format!("/{text}"));
    for span in target.model_span().into_iter().chain(target.stream().map(|(span, _)| span)) {
        assert!(target.get(&span).is_some());
    }
    if let (Some(span), Some(model)) = (target.model_span(), target.model()) {
        assert_eq!(target.get(&span), Some(model));
    }
    let _ = target.parameters().count();
});
