//! Health, metrics, status and the access log.

use http_body_util::BodyExt;
use tokio::net::TcpListener;

use crate::support::{
    Running, client, full, get, proxy, raw, request, send, soon, streaming_upstream, upstream,
};

/// The value of the metric whose line begins with `name`; 0 when there is none.
async fn metric(proxy: &Running, name: &str) -> f64 {
    let (status, text) = get(proxy.admin, "/metrics").await;
    assert_eq!(status, 200);
    assert!(text.ends_with("# EOF\n"));
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

/// Scrapes until the metric has that value: an exchange ends a moment after its client knows.
async fn until(proxy: &Running, name: &str, value: f64) {
    soon(async { while metric(proxy, name).await != value {} }).await;
}

#[tokio::test]
async fn each_family_counts_what_it_says() {
    let (upstream, mut bodies) = streaming_upstream().await;
    let proxy = proxy(upstream, &[]).await;
    let client = client(false);
    let asked = || request(proxy.address, "/v1/chat/completions?key=secret", full("{}"));

    let body = soon(client.request(asked())).await.unwrap().into_body();
    let frames = soon(bodies.recv()).await.unwrap();
    until(&proxy, "guilloche_in_flight", 1.0).await;
    send(&frames, b"x").await;
    drop(frames);
    body.collect().await.unwrap();
    until(&proxy, "guilloche_in_flight", 0.0).await;
    until(&proxy, "guilloche_stream_ends_total{outcome=\"complete\"}", 1.0).await;
    for name in [
        "guilloche_requests_total{protocol=\"chat\",status=\"2xx\"}",
        "guilloche_first_byte_seconds_count{protocol=\"chat\"}",
        "guilloche_duration_seconds_count{protocol=\"chat\"}",
        "guilloche_build_info{version=\"0.1.0\"}",
    ] {
        assert_eq!(metric(&proxy, name).await, 1.0, "{name}");
    }

    drop(soon(client.request(asked())).await.unwrap());
    until(&proxy, "guilloche_stream_ends_total{outcome=\"cancelled\"}", 1.0).await;

    let body = soon(client.request(asked())).await.unwrap().into_body();
    let _cancelled = soon(bodies.recv()).await.unwrap();
    soon(bodies.recv()).await.unwrap().send(Err("cut".into())).await.unwrap();
    body.collect().await.unwrap_err();
    until(&proxy, "guilloche_stream_ends_total{outcome=\"upstream_error\"}", 1.0).await;
    assert_eq!(metric(&proxy, "guilloche_audit_lost_total").await, 0.0);
    let (_, text) = get(proxy.admin, "/metrics").await;
    assert!(text.contains("\nguilloche_access_log_lost_total 0\n"), "{text}");
    assert!(!text.contains("secret"));
}

#[tokio::test]
async fn it_is_ready_while_the_upstream_takes_connections_and_until_it_stops() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = proxy(listener.local_addr().unwrap(), &[]).await;
    assert_eq!(get(proxy.admin, "/healthz").await, (200, "alive\n".to_owned()));
    assert_eq!(get(proxy.admin, "/readyz").await, (200, "ready\n".to_owned()));
    drop(listener);
    assert_eq!(get(proxy.admin, "/readyz").await.0, 503);
    assert_eq!(get(proxy.admin, "/healthz").await.0, 200);
    assert_eq!(get(proxy.admin, "/elsewhere").await.0, 404);
}

// What it shows is tested in tests/status_page, with a browser.
#[tokio::test]
async fn the_page_for_people_comes_with_a_policy_that_lets_nothing_else_run() {
    let upstream = upstream(|_| async { http::Response::new(full("{}")) }).await;
    let proxy = proxy(upstream, &[]).await;
    let asked = http::Request::get(format!("http://{}/", proxy.admin)).body(full("")).unwrap();
    let response = soon(client(false).request(asked)).await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("cache-control"), "no-store");
    let policy = header("content-security-policy");
    for said in ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(said), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(b"<!DOCTYPE html>"));
    let recent = get(proxy.admin, "/recent").await;
    assert_eq!((recent.0, recent.1.starts_with('[')), (200, true));
}

#[tokio::test]
async fn it_is_not_ready_while_it_stops() {
    let (upstream, mut bodies) = streaming_upstream().await;
    let Running { address, admin, stop, ended } = proxy(upstream, &[]).await;
    let client = client(false);
    let body = soon(client.request(request(address, "/", full("")))).await.unwrap();
    let frames = soon(bodies.recv()).await.unwrap();
    assert_eq!(get(admin, "/readyz").await.0, 200);
    stop.send(()).unwrap();
    soon(async { while get(admin, "/readyz").await.0 != 503 {} }).await;
    let (_, status) = get(admin, "/status").await;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["stopping"], true);
    assert_eq!(status["in_flight"], 1);
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    drop(frames);
    body.into_body().collect().await.unwrap();
    soon(ended).await.unwrap();
}

#[tokio::test]
async fn the_access_log_has_a_line_for_each_exchange_and_no_secret() {
    let path = std::env::temp_dir().join(format!("guilloche-access-{}.jsonl", std::process::id()));
    let upstream = upstream(|_| async { http::Response::new(full("secret answer")) }).await;
    let proxy = proxy(upstream, &[("ACCESS_LOG_OUTPUT", path.to_str().unwrap())]).await;
    let mut asked = request(proxy.address, "/v1/messages?key=secret", full("secret prompt"));
    asked.headers_mut().insert("x-api-key", "secret".parse().unwrap());
    soon(client(true).request(asked)).await.unwrap().into_body().collect().await.unwrap();
    proxy.stop.send(()).unwrap();
    // All lines are written when the proxy has stopped.
    soon(proxy.ended).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (field, value) in [
        ("method", "POST".into()),
        ("path", "/v1/messages".into()),
        ("status", 200.into()),
        ("bytes", serde_json::Value::from(13)),
        ("outcome", "complete".into()),
    ] {
        assert_eq!(line[field], value, "{field}");
    }
    assert!(line["durations"]["total_ms"].is_u64() && line["time"].is_string());
    assert!(!text.contains("secret"), "{text}");
}

/// A configuration that grades, with an audit: `peer` trusts the header as it comes.
fn graded(folder: &std::path::Path) -> Vec<(&'static str, String)> {
    std::fs::create_dir_all(folder).unwrap();
    let policy = "version = 1\nname = \"strict\"\nmode = \"enforce\"\n[[grade]]\nname = \"refused\"\n\
                  at = 0.9\nrefuse = {}\n";
    std::fs::write(folder.join("policy.toml"), policy).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    vec![
        ("POLICY_FILE", path("policy.toml")),
        ("AUDIT_FILE", path("audit.jsonl")),
        ("RISK_TRUST", "peer".to_owned()),
        ("SECRET_KEY", "5a".repeat(32)),
    ]
}

#[tokio::test]
async fn what_passed_and_what_was_refused_stands_in_the_status_and_what_passed_in_the_audit() {
    let folder = std::env::temp_dir().join(format!("guilloche-passed-{}", std::process::id()));
    let upstream = upstream(|_| async { http::Response::new(full("{}")) }).await;
    let settings = graded(&folder);
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let proxy = proxy(upstream, &settings).await;
    let client = client(false);
    for (path, risk) in [
        ("/v1/chat/completions", Some("0.1")),
        ("/v1/chat/completions", None),
        ("/elsewhere", None),
        ("/v1/chat/completions", Some("0.95")),
    ] {
        let mut asked = request(proxy.address, path, full("{}"));
        if let Some(score) = risk {
            let now = jiff::Timestamp::now().as_second();
            let risk = format!("account=\"acct\", score={score}, issued={now}, ttl=600");
            asked.headers_mut().insert("guilloche-risk", risk.parse().unwrap());
        }
        soon(client.request(asked)).await.unwrap().into_body().collect().await.unwrap();
    }
    until(&proxy, "guilloche_refused_total{grade=\"refused\",by=\"policy\"}", 1.0).await;
    until(&proxy, "guilloche_passed_total{protocol=\"chat\"}", 2.0).await;
    let (_, status) = get(proxy.admin, "/status").await;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!((&status["mode"], &status["trust"]), (&"enforce".into(), &"peer".into()));
    let traffic = &status["traffic"];
    assert_eq!(traffic["passed"], serde_json::json!({ "chat": 2, "other": 1 }));
    let refused = serde_json::json!([{ "grade": "refused", "by": "policy", "requests": 1 }]);
    assert_eq!(traffic["refused"], refused);
    assert_eq!(traffic["effects"], serde_json::json!({ "requests_refused": 1 }));
    assert_eq!(status["lost"], serde_json::json!({ "audit": 0, "access_log": 0, "ledger": 0 }));
    proxy.stop.send(()).unwrap();
    soon(proxy.ended).await.unwrap();
    let audit = std::fs::read_to_string(folder.join("audit.jsonl")).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    let [record, passed] = audit.lines().collect::<Vec<_>>()[..] else { panic!("{audit}") };
    assert!(record.contains("\"outcome\":\"refused\""), "{record}");
    let passed: serde_json::Value = serde_json::from_str(passed).unwrap();
    let passed = &passed["passed"];
    assert_eq!(passed["requests"], serde_json::json!({ "chat": 2, "other": 1 }));
    assert_eq!(passed["unknown"], serde_json::json!({ "absent": 2 }));
    assert!(passed["since"].as_str() < passed["time"].as_str(), "{passed}");
}

/// What a page elsewhere has a browser send is refused, and what operators and their programs send is not.
// Break it: believe a name that a page can have for its own, or ask programs for theirs.
#[tokio::test]
async fn a_page_elsewhere_learns_nothing_of_the_admin_listener_and_orders_nothing() {
    const PAGE: &str = "accept-language: de\r\nuser-agent: Mozilla/5.0\r\n";
    let upstream = upstream(|_| async { http::Response::new(full("{}")) }).await;
    let proxy = proxy(upstream, &[("ADMIN_HOSTS", "guilloche.example,other.example")]).await;
    let here = proxy.admin.to_string();
    let status = async |method: &str, path: &str, host: &str, fields: &str| {
        let asked = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\nconnection: close\r\n{fields}\r\n"
        );
        let answer = raw(proxy.admin, asked.as_bytes()).await;
        answer.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    let same = "sec-fetch-site: same-origin\r\nsec-fetch-mode: cors\r\n";
    let cross = "sec-fetch-site: cross-site\r\nsec-fetch-mode: no-cors\r\n";
    let led =
        "sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\n";
    let framed =
        "sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: iframe\r\n";
    let own = format!("origin: http://{here}\r\n");
    let foreign = "origin: https://evil.example\r\n";
    for path in ["/", "/status", "/metrics", "/recent", "/experiments"] {
        for (host, fields, expected) in [
            // Programs, by any name.
            ("guilloche:9464", "", 200),
            (
                "guilloche.monitoring.svc.cluster.local:8081",
                "user-agent: Prometheus/3.5.0\r\n",
                200,
            ),
            ("evil.example", "user-agent: curl/8.5.0\r\naccept: */*\r\n", 200),
            // People, by names that are nobody else's.
            (&here, PAGE, 200),
            (&here, same, 200),
            (&here, "sec-fetch-site: none\r\n", 200),
            (&here, led, 200),
            (&here, &own, 200),
            ("[::1]:8081", PAGE, 200),
            ("localhost:8081", PAGE, 200),
            ("guilloche:9464", PAGE, 200),
            ("GUILLOCHE.example.:8081", same, 200),
            ("localhost.:8081", PAGE, 200),
            // Pages, by names of their own.
            ("evil.example:8081", PAGE, 403),
            ("evil.example:8081", "accept-language: de\r\n", 403),
            ("evil.example:8081", same, 403),
            ("evil.example:8081", "origin: http://evil.example:8081\r\n", 403),
            ("127.0.0.1.evil.example", PAGE, 403),
            ("localhost.evil.example", PAGE, 403),
            ("ai.", PAGE, 403),
            // Pages, by ours.
            (&here, cross, 403),
            (&here, framed, 403),
            (&here, foreign, 403),
            (&here, "origin: null\r\n", 403),
            ("localhost", "sec-fetch-site: same-site\r\nsec-fetch-mode: cors\r\n", 403),
        ] {
            assert_eq!(status("GET", path, host, fields).await, expected, "{path} {host} {fields}");
        }
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(status("GET", path, "lb.example", PAGE).await, 200, "{path}");
    }
    for path in ["/reload", "/experiments/none/rollback"] {
        let expected = if path == "/reload" { 200 } else { 404 };
        assert_eq!(status("POST", path, "guilloche:9464", "").await, expected, "{path}");
        for fields in [cross, same, &own, foreign, PAGE] {
            assert_eq!(status("POST", path, "evil.example", fields).await, 403, "{path} {fields}");
        }
        for fields in [cross, same, led, &own, foreign] {
            assert_eq!(status("POST", path, &here, fields).await, 403, "{path} {fields}");
        }
    }
}
