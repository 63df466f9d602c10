//! Another configuration while clients are served.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use bytes::Bytes;
use guilloche::proxy::Config;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::support::{
    BoxBody, Frames, HttpClient, Running, channel, client, full, get, run, send, soon, upstream,
};

/// Withholds reasoning, and with it the side channels that tell of it; or closes those alone.
const REASONING: &str = "reasoning = { keep = \"none\" }\n";
const CHANNELS: &str = "side_channels = {}\n";

const EVENT: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\
    \"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"think\",\"content\":\"say\"},\
    \"logprobs\":{\"content\":[{\"token\":\"say\",\"logprob\":-1.5,\"bytes\":null,\"top_logprobs\":[]}]},\"finish_reason\":null}]}\n\n";
const END: &str = "data: [DONE]\n\n";

fn policy(name: &str, countermeasure: &str) -> String {
    format!(
        "version = 1\nname = \"{name}\"\nmode = \"enforce\"\n[[grade]]\nname = \"g\"\nat = 0.5\n{countermeasure}"
    )
}

/// The files of one proxy.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("guilloche-reload-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Replaces a file, as editors and deployments do: at once.
    fn write(&self, name: &str, text: &str) {
        let aside = self.0.join(format!("{name}.aside"));
        std::fs::write(&aside, text).unwrap();
        std::fs::rename(aside, self.0.join(name)).unwrap();
    }

    fn configure(&self, upstream: &str, more: &str) {
        self.write(
            "guilloche.toml",
            &format!(
                "[listen]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
                 [upstream]\nurl = \"{upstream}\"\n[policy]\nfile = \"policy.toml\"\n\
                 [risk]\ntrust = \"peer\"\n{more}"
            ),
        );
    }

    async fn run(&self) -> Running {
        let config = Config::load(self.0.join("guilloche.toml"), &BTreeMap::new()).unwrap();
        let proxy = run(config).await;
        // It has read its files by then.
        assert_eq!(get(proxy.admin, "/healthz").await.0, 200);
        proxy
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Has the configuration read again, as a person does.
async fn reload(proxy: &Running) -> (StatusCode, Value) {
    let request = Request::post(format!("http://{}/reload", proxy.admin)).body(full("")).unwrap();
    let response = soon(client(false).request(request)).await.unwrap();
    let status = response.status();
    let body = soon(response.into_body().collect()).await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn status(proxy: &Running) -> Value {
    serde_json::from_str(&get(proxy.admin, "/status").await.1).unwrap()
}

/// Asks with a score that is graded.
async fn ask(client: &HttpClient, proxy: &Running) -> Response<hyper::body::Incoming> {
    let now = jiff::Timestamp::now().as_second();
    let request = Request::post(format!("http://{}/v1/chat/completions", proxy.address))
        .header("guilloche-risk", format!("account=\"a\", score=0.9, issued={now}, ttl=300"))
        .header("content-type", "application/json")
        .body(full(r#"{"model":"m","stream":true,"messages":[],"logprobs":true}"#))
        .unwrap();
    soon(client.request(request)).await.unwrap()
}

async fn text(response: Response<hyper::body::Incoming>) -> String {
    let body = soon(response.into_body().collect()).await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// A stream of the upstream's.
fn events(body: BoxBody) -> Response<BoxBody> {
    Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
}

async fn answer(frames: &Frames) {
    send(frames, EVENT.as_bytes()).await;
    send(frames, END.as_bytes()).await;
}

/// Whether reasoning was withheld, and whether log-probabilities were.
fn withheld(text: &str) -> (bool, bool) {
    assert!(text.contains("say"), "{text}");
    (!text.contains("think"), !text.contains("-1.5"))
}

// Break it: decide anew at each event, or keep the policy of the start.
#[tokio::test]
async fn another_policy_decides_about_requests_to_come_and_not_about_those_under_way() {
    let folder = Folder::new("policy");
    let (bodies, mut asked) = mpsc::channel(1);
    let upstream = upstream(move |_| {
        let bodies = bodies.clone();
        async move {
            let (frames, body) = channel();
            bodies.send(frames).await.unwrap();
            events(body)
        }
    })
    .await;
    folder.configure(&format!("http://{upstream}"), "");
    folder.write("policy.toml", &policy("first", REASONING));
    let (proxy, client) = (folder.run().await, client(false));
    let before = status(&proxy).await;
    assert_eq!(before["reload"], Value::Null);

    let begun = soon(async { tokio::join!(ask(&client, &proxy), asked.recv()) }).await;
    let (under_way, Some(frames)) = begun else { panic!("the upstream was not asked") };
    send(&frames, EVENT.as_bytes()).await;
    folder.write("policy.toml", &policy("second", CHANNELS));
    let (code, told) = reload(&proxy).await;
    assert_eq!((code, &told["outcome"]), (StatusCode::OK, &"done".into()), "{told}");
    assert_eq!(told["policy"]["name"], "second");
    answer(&frames).await;
    drop(frames);
    assert_eq!(withheld(&text(under_way).await), (true, true));

    let begun = soon(async { tokio::join!(ask(&client, &proxy), asked.recv()) }).await;
    let (next, Some(frames)) = begun else { panic!("the upstream was not asked") };
    answer(&frames).await;
    drop(frames);
    assert_eq!(withheld(&text(next).await), (false, true));

    let after = status(&proxy).await;
    assert_eq!(after["policy"]["name"], "second");
    assert_eq!(after["policy"]["revision"], told["policy"]["revision"]);
    assert_eq!(after["configuration"]["revision"], told["revision"]);
    assert_ne!(after["configuration"]["revision"], before["configuration"]["revision"]);
    assert_eq!(after["reload"]["outcome"], "done");
    assert_eq!(after["reload"]["trigger"], "admin");
}

// Break it: draw the key of what is sealed anew with each configuration.
#[tokio::test]
async fn what_was_sealed_before_opens_after_it_where_no_secret_is_configured() {
    const THOUGHT: &str = r#"{"type":"thinking","thinking":"so many plums","signature":"c2ln"}"#;
    let folder = Folder::new("sealed");
    let (bodies, mut asked) = mpsc::channel(4);
    let upstream = upstream(move |request: Request<hyper::body::Incoming>| {
        let bodies = bodies.clone();
        async move {
            bodies.send(request.into_body().collect().await.unwrap().to_bytes()).await.unwrap();
            let answer = format!(
                r#"{{"id":"m","type":"message","role":"assistant","model":"m","content":[{THOUGHT},{{"type":"text","text":"four"}}],"stop_reason":"end_turn","usage":{{"input_tokens":1,"output_tokens":9}}}}"#
            );
            Response::builder().header("content-type", "application/json").body(full(answer)).unwrap()
        }
    })
    .await;
    folder.configure(&format!("http://{upstream}"), "");
    let sealing = "reasoning = { keep = \"none\", seal = {} }\n";
    folder.write("policy.toml", &policy("first", sealing));
    let (proxy, client) = (folder.run().await, client(false));
    let mut ask = async |before: &str| {
        let user = r#"{"role":"user","content":"How many?"}"#;
        let body = format!(r#"{{"model":"m","max_tokens":99,"messages":[{user}{before}]}}"#);
        let now = jiff::Timestamp::now().as_second();
        let request = Request::post(format!("http://{}/v1/messages", proxy.address))
            .header("guilloche-risk", format!("account=\"a\", score=0.9, issued={now}, ttl=300"))
            .header("content-type", "application/json")
            .body(full(body))
            .unwrap();
        let answered: Value =
            serde_json::from_str(&text(client.request(request).await.unwrap()).await).unwrap();
        (answered, asked.recv().await.unwrap())
    };
    let (answered, _) = soon(ask("")).await;
    let content = answered["content"].to_string();
    assert!(!content.contains("plums") && content.contains("four"), "{content}");
    folder.write("policy.toml", &policy("second", sealing));
    assert_eq!(reload(&proxy).await.0, StatusCode::OK);
    let carried = format!(
        r#",{{"role":"assistant","content":{content}}},{{"role":"user","content":"And now?"}}"#
    );
    let (_, sent) = soon(ask(&carried)).await;
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    let thought: Value = serde_json::from_str(THOUGHT).unwrap();
    assert_eq!(sent["messages"][1]["content"][0], thought);
}

// Break it: take up what is right of it, or tell the first mistake only.
#[tokio::test]
async fn a_configuration_with_mistakes_changes_nothing_and_each_mistake_is_told() {
    let folder = Folder::new("mistakes");
    let upstream = upstream(|_| async { events(full(format!("{EVENT}{END}"))) }).await;
    let url = format!("http://{upstream}");
    folder.configure(&url, "");
    folder.write("policy.toml", &policy("good", "refuse = {}\n"));
    let (proxy, client) = (folder.run().await, client(false));
    let before = status(&proxy).await;

    folder.write("policy.toml", &policy("bad", "reasoning = { keep = \"some\" }\nrefuse = 1\n"));
    folder.configure(&url, "[limits]\nmax_event = 1\n");
    let (code, told) = reload(&proxy).await;
    assert_eq!((code, &told["outcome"]), (StatusCode::CONFLICT, &"refused".into()));
    let errors: Vec<&str> =
        told["errors"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    for part in ["policy.toml:7", "policy.toml:8", "limits.max_event"] {
        assert!(errors.iter().any(|error| error.contains(part)), "{part}: {errors:?}");
    }
    let after = status(&proxy).await;
    assert_eq!(after["policy"], before["policy"]);
    assert_eq!(after["configuration"], before["configuration"]);
    assert_eq!(after["reload"]["errors"], told["errors"]);
    assert_ne!(after["reload"]["revision"], after["configuration"]["revision"]);
    assert_eq!(ask(&client, &proxy).await.status(), StatusCode::FORBIDDEN);
    let (_, metrics) = get(proxy.admin, "/metrics").await;
    assert!(metrics.contains("guilloche_reloads_total{outcome=\"refused\"} 1\n"), "{metrics}");

    folder.configure(&url, "");
    folder.write("policy.toml", &policy("mended", REASONING));
    assert_eq!(reload(&proxy).await.0, StatusCode::OK);
    assert_eq!(withheld(&text(ask(&client, &proxy).await).await), (true, true));
}

// Break it: follow what can be followed, and leave the rest.
#[tokio::test]
async fn what_was_made_at_the_start_is_named_when_it_would_change() {
    let folder = Folder::new("bound");
    folder.configure("http://127.0.0.1:1", "");
    folder.write("policy.toml", &policy("first", REASONING));
    let proxy = folder.run().await;
    folder.write("policy.toml", &policy("second", CHANNELS));
    folder.configure(
        "http://127.0.0.1:2",
        "[audit]\nfile = \"a.jsonl\"\n[secret]\nkey_file = \"secret\"\n[shutdown]\ngrace = \"1s\"\n",
    );
    folder.write("secret", &"5".repeat(64));
    let (code, told) = reload(&proxy).await;
    assert_eq!(code, StatusCode::CONFLICT);
    let error = told["errors"][0].as_str().unwrap();
    assert!(error.contains("audit.file, shutdown.grace, upstream.url; restart"), "{error}");
    assert_eq!(status(&proxy).await["policy"]["name"], "first");
    assert!(!folder.0.join("a.jsonl").exists());
}

// Break it: have a page in a browser give the order, or give it with GET.
#[tokio::test]
async fn only_a_person_at_the_admin_listener_orders_it() {
    let folder = Folder::new("order");
    folder.configure("http://127.0.0.1:1", "");
    folder.write("policy.toml", &policy("first", REASONING));
    let proxy = folder.run().await;
    assert_eq!(get(proxy.admin, "/reload").await.0, 405);
    let from_a_page = Request::post(format!("http://{}/reload", proxy.admin))
        .header("origin", "http://127.0.0.1")
        .body(full(""))
        .unwrap();
    assert_eq!(soon(client(false).request(from_a_page)).await.unwrap().status(), 403);
    let at_the_clients = Request::post(format!("http://{}/reload", proxy.address));
    let at_the_clients = at_the_clients.body(full("")).unwrap();
    assert_eq!(soon(client(false).request(at_the_clients)).await.unwrap().status(), 502);
    assert_eq!(status(&proxy).await["reload"], Value::Null);
}

// Break it: look at the link and not at what it leads to, or look again at what was refused only when
// the files change that decided before.
#[tokio::test]
async fn files_are_followed_by_themselves_through_links_that_are_swapped() {
    let folder = Folder::new("poll");
    // As Kubernetes mounts a config map: files are links through a link to a folder.
    let version = |name: &str, text: &str| {
        std::fs::create_dir(folder.0.join(name)).unwrap();
        folder.write(&format!("{name}/policy.toml"), text);
        symlink(name, folder.0.join("..next")).unwrap();
        std::fs::rename(folder.0.join("..next"), folder.0.join("..data")).unwrap();
    };
    version("..1", &policy("first", REASONING));
    symlink("..data/policy.toml", folder.0.join("policy.toml")).unwrap();
    folder.configure("http://127.0.0.1:1", "[reload]\npoll = \"5ms\"\n");
    let proxy = folder.run().await;
    let until = async |path: &str, value: &str| {
        soon(async { while status(&proxy).await.pointer(path) != Some(&value.into()) {} }).await;
    };
    version("..2", &policy("second", CHANNELS));
    until("/policy/name", "second").await;
    version("..3", "version = 1\n");
    until("/reload/outcome", "refused").await;
    version("..4", &policy("fourth", CHANNELS));
    until("/policy/name", "fourth").await;
    assert_eq!(status(&proxy).await["reload"]["trigger"], "poll");
    let (_, metrics) = get(proxy.admin, "/metrics").await;
    assert!(metrics.contains("guilloche_reloads_total{outcome=\"refused\"} 1\n"), "{metrics}");
}

// Break it: keep the file that was opened at the start, or open another only where the configuration is in order.
#[tokio::test]
async fn a_reload_that_is_ordered_has_logs_go_to_new_files_even_if_it_is_refused() {
    let folder = Folder::new("logs");
    let upstream = upstream(|_| async { Response::new(full("{}")) }).await;
    folder.configure(&format!("http://{upstream}"), "[access_log]\noutput = \"access.jsonl\"\n");
    folder.write("policy.toml", &policy("first", REASONING));
    let (proxy, client) = (folder.run().await, client(false));
    let lines = |name: &str| {
        let text = std::fs::read_to_string(folder.0.join(name)).unwrap_or_default();
        text.lines().count()
    };
    for (round, expected) in [StatusCode::OK, StatusCode::CONFLICT].into_iter().enumerate() {
        text(ask(&client, &proxy).await).await;
        soon(async {
            while lines("access.jsonl") < 1 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let old = folder.0.join(format!("access.{round}"));
        std::fs::rename(folder.0.join("access.jsonl"), old).unwrap();
        if expected != StatusCode::OK {
            folder.write("policy.toml", "version = 1");
        }
        assert_eq!(reload(&proxy).await.0, expected);
    }
    text(ask(&client, &proxy).await).await;
    soon(async {
        while lines("access.jsonl") < 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!((lines("access.0"), lines("access.1"), lines("access.jsonl")), (1, 1, 1));
}

// Break it: swap the policy apart from what carries it out, or let a refused configuration in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_streams_over_a_hundred_reloads_each_meet_one_policy() {
    let folder = Folder::new("load");
    let upstream = upstream(|_| async {
        let (frames, body) = channel();
        tokio::spawn(async move {
            for _ in 0..20 {
                let event = http_body::Frame::data(Bytes::from_static(EVENT.as_bytes()));
                if frames.send(Ok(event)).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            let _ = frames.send(Ok(http_body::Frame::data(END.into()))).await;
        });
        events(body)
    })
    .await;
    folder.configure(&format!("http://{upstream}"), "");
    let versions =
        [policy("first", REASONING), policy("second", CHANNELS), "version = 1".to_owned()];
    folder.write("policy.toml", &versions[0]);
    let proxy = std::sync::Arc::new(folder.run().await);
    let client = client(true);
    let mut streams = JoinSet::new();
    for _ in 0..1000 {
        let (client, proxy) = (client.clone(), std::sync::Arc::clone(&proxy));
        streams.spawn(async move {
            let response = ask(&client, &proxy).await;
            assert_eq!(response.status(), StatusCode::OK);
            let text = text(response).await;
            assert!(text.ends_with(END), "{text}");
            let events = text.matches("\"choices\"").count();
            let (thoughts, leaks) = (text.matches("think").count(), text.matches("-1.5").count());
            assert!(leaks == 0 && (thoughts == 0 || thoughts == events), "{thoughts}, {leaks}");
            thoughts > 0
        });
    }
    let (mut done, mut refused) = (0, 0);
    for version in versions.iter().cycle().skip(1).take(100) {
        folder.write("policy.toml", version);
        match reload(&proxy).await.0 {
            StatusCode::OK => done += 1,
            _ => refused += 1,
        }
    }
    assert_eq!((done, refused), (67, 33));
    let mut met = [0, 0];
    while let Some(met_second) = streams.join_next().await {
        met[usize::from(met_second.unwrap())] += 1;
    }
    assert_eq!(met[0] + met[1], 1000);
    assert!(met[0] > 0 && met[1] > 0, "{met:?}");
    assert_eq!(status(&proxy).await["in_flight"], 0);
}
