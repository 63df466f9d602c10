//! Requests as bytes: smuggling, framing, methods, paths, versions.

use crate::client::{is_error_of, raw};
use crate::generated;
use crate::manifest::{Caller, Manifest, Scene, counted, file};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_no_plain_request_is_refused_or_passed_on_unmistakably() {
    let mut scene = Scene::set().await;
    let mut wrong = Vec::new();
    for (name, case) in Manifest::read().request {
        let mut complaints = Vec::new();
        for caller in Caller::BOTH {
            let label = format!("request.{name} ({caller:?})");
            let plain = if case.generated {
                generated::request(&name)
            } else {
                file(&format!("requests/{name}.http")).to_vec()
            };
            // The risk header of each request goes behind its first line.
            let sent = match caller.risk() {
                Some(risk) => with_field(&plain, &format!("guilloche-risk: {risk}\r\n")),
                None => plain,
            };
            let witness = scene.witness(&label).await;
            scene.upstream.take_seen();
            let answer = raw(&scene.proxy.address, &sent).await;
            witness.end(&label).await;
            let text = String::from_utf8_lossy(&answer).into_owned();
            let statuses: Vec<u16> = text
                .split("HTTP/1.")
                .skip(1)
                // A field may name the protocol, too, and no status stands behind that.
                .filter_map(|rest| rest.get(2..5)?.parse().ok())
                .collect();
            let expected = if caller == Caller::Ordinary { &case.ordinary } else { &case.graded };
            if statuses != *expected {
                complaints.push(format!("{label}: {statuses:?}\n{text}"));
            }
            let seen = scene.upstream.take_seen();
            // No answer without a request, no request without an answer, none that was smuggled.
            let answered = statuses.iter().filter(|status| **status < 300).count();
            assert_eq!(seen.len(), answered, "{label}: {seen:?}\n{text}");
            for seen in seen {
                assert!(!seen.line.contains("smuggled"), "{label}: {seen:?}");
                let risk = seen.fields.iter().find(|(name, _)| name.starts_with("guilloche"));
                assert_eq!(risk, None, "{label}");
            }
            if caller == Caller::Graded && text.contains("hidden-thought") {
                complaints.push(format!("{label}: the reasoning is shown\n{text}"));
            }
            // What the proxy answers itself, if it is more than a status, is an error of the
            // protocol's.
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
            let own = statuses.len() == 1 && statuses[0] >= 400;
            let told = head.contains("application/json") && !sent.starts_with(b"HEAD");
            if own && told && !is_error_of("/v1/chat/completions", body) {
                complaints.push(format!("{label}: {body}"));
            }
            scene.check(&label).await;
        }
        wrong.extend(counted(&name, case.open.as_deref(), complaints));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Puts a field behind the first line of every request that begins with a method.
fn with_field(requests: &[u8], field: &str) -> Vec<u8> {
    let mut sent = Vec::new();
    for line in requests.split_inclusive(|byte| *byte == b'\n') {
        sent.extend_from_slice(line);
        let first = [&b" HTTP/1.1"[..], b" HTTP/1.0"];
        if first.iter().any(|version| line.trim_ascii_end().ends_with(version)) {
            sent.extend_from_slice(field.as_bytes());
        }
    }
    sent
}
