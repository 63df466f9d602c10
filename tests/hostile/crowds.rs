//! Many accounts at once.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use crate::client::{Witness, ask, client};
use crate::process::{Served, repository, risk};
use crate::upstream::Upstream;

const ACCOUNTS: usize = 10_000;
const SENDERS: usize = 8;

/// Bytes that the process may keep for each account it has seen, allocator and debug build included.
#[cfg(target_os = "linux")]
const PER_ACCOUNT: u64 = 4096;

/// Each account's rates and pace have to be kept apart, and no one's stream suffers from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_accounts_are_told_apart_in_bounded_memory() {
    let upstream = Upstream::start().await;
    let policy = repository("policies/graded.toml").display().to_string();
    let more =
        [("RISK_TRUST", "peer"), ("POLICY_FILE", policy.as_str()), ("SECRET_KEY", &"0".repeat(64))];
    let mut proxy = Served::start(&upstream.address, &more).await;
    let client = client();
    let witness = Witness::begin(&client, &proxy.address, &upstream, "crowd").await;
    #[cfg(target_os = "linux")]
    let idle = proxy.peak_memory();
    let address: Arc<str> = proxy.address.as_str().into();
    let senders = (0..SENDERS).map(|sender| {
        let (client, address) = (client.clone(), Arc::clone(&address));
        tokio::spawn(async move {
            for account in (sender..ACCOUNTS).step_by(SENDERS) {
                let body = Bytes::from_static(br#"{"model":"m","messages":[]}"#);
                let request = Request::post(format!("http://{address}/v1/chat/completions"))
                    .header("guilloche-risk", risk(&format!("acct-{account}"), 0.8))
                    .body(Full::new(body))
                    .unwrap();
                let got = ask(&client, request).await;
                // Nobody has used another's rate up.
                assert_eq!(got.status.unwrap(), 200, "{account}: {}", got.text());
                assert!(!got.text().contains("hidden-thought"));
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    witness.end("crowd").await;
    assert!(proxy.is_well());
    let status: serde_json::Value = serde_json::from_str(&proxy.tells("/status").await).unwrap();
    // One subject for each account; those whose rate is unused again may be forgotten.
    let count = |name: &str| status["counters"][name].as_u64().unwrap();
    assert_eq!(count("limit_subjects") + count("limit_evicted"), ACCOUNTS as u64, "{status}");
    assert_eq!(count("limit_overflowed"), 0, "{status}");
    assert_eq!(status["in_flight"], 0, "{status}");
    #[cfg(target_os = "linux")]
    {
        let grown = proxy.peak_memory().saturating_sub(idle);
        assert!(grown < PER_ACCOUNT * ACCOUNTS as u64, "{grown} bytes");
    }
    // It has written nothing to be ashamed of, and goes when it is told to.
    proxy.signal("TERM").await;
    let (status, messages) = proxy.ended().await;
    assert!(status.success() && !messages.contains("acct-"), "{messages}");
}
