//! A new secret while clients are served: blobs of the one before still open as long as it is named among the
//! previous ones, and are dropped as soon as it is not.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::attacks::{forwarded, shows};
use super::{Agent, DIALECTS, Scene};
use crate::process::{Served, risk, soon};

/// Has the configuration read again; what came of it.
async fn reloaded(proxy: &Served) -> String {
    let mut stream = TcpStream::connect(&proxy.admin).await.unwrap();
    let asked =
        b"POST /reload HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(asked).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

// Break it: keep the openers of the secrets that were there at the start, or open with the newest alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sealed_with_the_secret_before_opens_as_long_as_that_is_named() {
    let scene = Scene::new().await;
    let (first, second, other) = ("1".repeat(64), "2".repeat(64), "3".repeat(64));
    let secret = scene.directory.write("secret.key", &first);
    let previous = scene.directory.write("previous.key", &other);
    let policy = scene.directory.write(
        "rotating.toml",
        "version = 1\nname = \"sealing\"\nmode = \"enforce\"\n[[grade]]\nname = \"sealed\"\nat = 0.5\n\
         reasoning = { keep = \"none\", seal = { bucket = 256, in_strings = true } }\n",
    );
    let fields = [
        ("RISK_TRUST", "peer"),
        ("POLICY_FILE", policy.as_str()),
        ("SECRET_KEY_FILE", secret.as_str()),
        ("SECRET_PREVIOUS_KEY_FILES", previous.as_str()),
    ];
    let proxy = Served::start(&scene.upstream, &fields).await;
    let forms = (0..DIALECTS.len()).flat_map(|it| [(it, false), (it, true)]);
    let mut agents = Vec::new();
    for (dialect, streamed) in forms {
        let mut agent = Agent::new(dialect, streamed, &format!("rotation {dialect} {streamed}"));
        for turn in 0..2 {
            agent.turn(&scene, &proxy.address, turn).await;
        }
        scene.sent(&agent.talk);
        agents.push(agent);
    }
    let graded = || risk("account", 0.9);

    scene.directory.write("secret.key", &second);
    scene.directory.write("previous.key", &first);
    assert!(reloaded(&proxy).await.starts_with("HTTP/1.1 200"));
    let mut newer = Vec::new();
    for agent in &agents {
        let sent = forwarded(&scene, agent, &proxy.address, graded()).await;
        assert!(shows(&sent), "{}: {sent}", agent.talk);
        let mut fresh = Agent::new(agent.dialect, agent.streamed, &format!("{} again", agent.talk));
        for turn in 0..2 {
            fresh.turn(&scene, &proxy.address, turn).await;
        }
        scene.sent(&fresh.talk);
        newer.push(fresh);
    }

    // A file that is named and not there changes nothing: what decides is replaced whole or not at all.
    std::fs::remove_file(&previous).unwrap();
    assert!(reloaded(&proxy).await.starts_with("HTTP/1.1 409"));
    let sent = forwarded(&scene, &agents[0], &proxy.address, graded()).await;
    assert!(shows(&sent), "{sent}");

    scene.directory.write("previous.key", &other);
    assert!(reloaded(&proxy).await.starts_with("HTTP/1.1 200"));
    for (agent, newer) in agents.iter().zip(&newer) {
        let sent = forwarded(&scene, agent, &proxy.address, graded()).await;
        assert!(!shows(&sent), "{}: {sent}", agent.talk);
        let sent = forwarded(&scene, newer, &proxy.address, graded()).await;
        assert!(shows(&sent), "{}: {sent}", newer.talk);
    }
}
