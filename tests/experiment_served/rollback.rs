//! A policy that does harm is rolled back by the proxy itself, or by a person.

use crate::stage::*;
use crate::support::soon;

/// Refuses callers who did nothing.
const HARMFUL: &str = "version = 1\nname = \"harmful\"\nmode = \"enforce\"\n\
    [[grade]]\nname = \"refuse\"\nat = 0.05\nrefuse = {}\n";

async fn refused(replica: &Replica, from: usize, count: usize) -> usize {
    let mut refused = 0;
    for number in from..from + count {
        let (status, _) = replica.ask((&format!("ordinary-{number}"), None), 0.1).await;
        refused += usize::from(status == 403);
        assert!([200, 403].contains(&status), "{status}");
    }
    refused
}

async fn until(replica: &Replica, state: &str) -> serde_json::Value {
    soon(async {
        loop {
            let status = replica.status().await;
            if status["state"] == state {
                return status;
            }
        }
    })
    .await
}

// Break it: never look, or forget at the restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_harmful_policy_is_rolled_back_by_the_proxy_itself_and_stays_so_over_a_restart() {
    let stage = Stage::new(UNTOUCHED, HARMFUL, "").await;
    let replica = stage.replica("one").await;
    let before = refused(&replica, 0, 60).await;
    assert!(
        (1..45).contains(&before),
        "{before} of 60 in the harmful arm, until it was rolled back"
    );
    let status = until(&replica, "rolled_back").await;
    assert_eq!(status["why"], "guardrail refused_share of arm other");
    assert!(status["guardrails"][0]["at_least"].as_f64().unwrap() > 0.0, "{status}");
    assert_eq!(refused(&replica, 0, 80).await, 0, "every unit meets the control arm's policy");
    replica.stop().await;

    let restarted = stage.replica("one").await;
    assert_eq!(restarted.status().await["state"], "rolled_back");
    assert_eq!(refused(&restarted, 0, 60).await, 0);
    // A person has it go on, each unit where it was.
    assert_eq!(restarted.order("/experiments/e/resume", &[]).await, 200);
    assert!(refused(&restarted, 0, 60).await >= before);
    restarted.stop().await;
}

/// Units that a guardrail has taken, of both arms.
async fn taken(replica: &Replica) -> u64 {
    let units = replica.status().await["guardrails"][0]["units"].clone();
    units.as_array().unwrap().iter().map(|units| units.as_u64().unwrap()).sum()
}

// Break it: forget what was found at the restart, and alpha is spent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guardrails_go_on_after_a_restart_and_begin_anew_when_an_experiment_is_resumed() {
    let stage = Stage::new(UNTOUCHED, WITHHOLDING, "").await;
    let replica = stage.replica("one").await;
    refused(&replica, 0, 12).await;
    // Those of whom is heard after their second are left out, on a machine that is busy.
    soon(async { while taken(&replica).await == 0 {} }).await;
    let before = taken(&replica).await;
    replica.stop().await;

    let restarted = stage.replica("one").await;
    let after = taken(&restarted).await;
    assert!((before..=12).contains(&after), "{before} before and {after} after the restart");
    refused(&restarted, 12, 8).await;
    soon(async { while taken(&restarted).await <= after {} }).await;
    assert_eq!(restarted.order("/experiments/e/rollback", &[]).await, 200);
    assert_eq!(restarted.order("/experiments/e/resume", &[]).await, 200);
    assert_eq!(taken(&restarted).await, 0);
    restarted.stop().await;
    let again = stage.replica("one").await;
    assert_eq!(taken(&again).await, 0);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_rolls_back_and_resumes_and_a_page_in_a_browser_does_not() {
    let stage = Stage::new(UNTOUCHED, WITHHOLDING, "").await;
    let replica = stage.replica("one").await;
    let page = [("origin", "https://elsewhere.example")];
    assert_eq!(replica.order("/experiments/e/rollback", &page).await, 403);
    assert_eq!(replica.order("/experiments/other/rollback", &[]).await, 404);
    assert_eq!(replica.order("/experiments/e/stop", &[]).await, 405, "there is no such order");
    assert_eq!(replica.status().await["state"], "running");
    let arms = async |replica: &Replica| {
        let mut found = Vec::new();
        for number in 0..16 {
            found.push(reasons(&replica.ask((&format!("a-{number}"), None), 0.9).await.1));
        }
        found
    };
    let before = arms(&replica).await;
    assert!(before.contains(&false));
    assert_eq!(replica.order("/experiments/e/rollback", &[]).await, 200);
    assert!(arms(&replica).await.iter().all(|reasons| *reasons));
    let status = replica.status().await;
    assert_eq!(
        (status["state"].as_str(), status["why"].as_str()),
        (Some("rolled_back"), Some("by order of a person"))
    );
    // Again, and it changes nothing.
    assert_eq!(replica.order("/experiments/e/rollback", &[]).await, 200);
    assert_eq!(replica.order("/experiments/e/resume", &[]).await, 200);
    assert_eq!(arms(&replica).await, before);
    let audit = replica.stop().await;
    let counted: u64 = audit.units.iter().map(|unit| unit.met.requests).sum();
    assert_eq!(counted, 32, "what all arms met alike counts for none");
}
