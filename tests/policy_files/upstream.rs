//! `guilloche policy check --upstream`: the models that a policy leaves out, asked over real sockets.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use guilloche::proxy::serve_service;
use guilloche::teacher::{Settings, Teacher};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const POLICY: &str =
    "version = 1\nname = \"p\"\nmode = \"enforce\"\n[[grade]]\nname = \"g\"\nat = 0.5\n";

/// Whatever a server answers.
async fn serve(answer: fn(&Request) -> Response) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().fallback(move |request: Request| async move { answer(&request) });
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn teacher(api_key: Option<&str>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let api_key = api_key.map(str::to_owned);
    let teacher = Teacher::new(Settings { api_key, ..Settings::default() });
    let never = std::future::pending();
    tokio::spawn(serve_service(listener, teacher, never, std::time::Duration::ZERO));
    address
}

/// One that no other test uses.
fn folder() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("policy-check-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn check(address: SocketAddr, base: &str, policy: &str, more: &[&str]) -> Output {
    let folder = folder();
    std::fs::write(folder.join("policy.toml"), format!("{POLICY}{policy}")).unwrap();
    let check = || {
        Command::new(env!("CARGO_BIN_EXE_guilloche"))
            .args(["policy", "check", "--upstream", &format!("http://{address}{base}")])
            .args(more)
            .arg("policy.toml")
            .current_dir(&folder)
            .env("TEST_API_KEY", "sk-1\n")
            .env("OTHER_API_KEY", "sk-2")
            .output()
            .unwrap()
    };
    tokio::task::block_in_place(check)
}

/// The exit status, and what is said of the models.
fn models(output: &Output) -> (Option<i32>, Value) {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), report.pointer("/0/models").cloned().unwrap_or_default())
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

const MAP: &str = "downgrade = { models = { \"teacher-large\" = \"teacher-small\" } }\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_the_upstream_lists_and_no_pattern_covers_is_pointed_at() {
    let teacher = teacher(None).await;
    let output = check(teacher, "", MAP, &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("at the upstream: none escapes"), "{}", stdout(&output));

    let narrow = MAP.replace("\"teacher-large\" =", "\"teacher-larger\" =");
    let output = check(teacher, "/", &narrow, &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = "policy.toml: grade[0].downgrade.models: leaves out \"teacher-large\"";
    assert!(stdout(&output).contains(said), "{}", stdout(&output));
    assert!(stdout(&output).contains("at the upstream: some escape"), "{}", stdout(&output));

    // A model for the others covers all.
    let others = narrow.replace(" } }", " }, other_models = \"teacher-small\" }");
    assert_eq!(models(&check(teacher, "", &others, &["--format", "json"])).0, Some(0));

    // What a template opens is a notice: most models' templates do not.
    let opened = "reasoning = { keep = \"none\", opened_by_template = [\"qwq*\"] }\n";
    let (status, said) = models(&check(teacher, "", opened, &["--format", "json"]));
    assert_eq!(status, Some(0));
    let field = &said["left_out"][0]["field"];
    assert_eq!(
        (field, &said["left_out"][0]["escape"]),
        (&json!("grade[0].reasoning.opened_by_template"), &json!(false))
    );
    // Any name but these escapes it in front of a server that answers for any.
    assert_eq!(said["closed"], json!(["grade[0].reasoning.opened_by_template"]));
    let output = check(teacher, "", opened, &[]);
    assert!(stdout(&output).contains("if it answers for any name"), "{}", stdout(&output));
    let all = opened.replace("qwq*", "*");
    assert_eq!(models(&check(teacher, "", &all, &["--format", "json"])).1["closed"], json!([]));

    let scope = "[scope]\nmodels = [\"teacher-large\"]\n";
    let output = check(teacher, "", &format!("{MAP}{scope}"), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stdout(&output).contains("scope.models: leaves out \"teacher-small\""), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_an_arm_leaves_out_is_pointed_at_with_the_arm() {
    const EXPERIMENT: &str = "version = 1\nname = \"e\"\nsalt = \"s\"\nstart = 2026-01-01\nend = 2100-01-01\n\
        [[arm]]\nname = \"now\"\npolicy = \"now.toml\"\ncontrol = true\n\
        [[arm]]\nname = \"next\"\npolicy = \"next.toml\"\n\
        [[metric]]\nname = \"reasoning_tokens\"\nrole = \"success\"\nbetter = \"lower\"\nscale = \"log\"\n";
    let upstream = format!("http://{}", teacher(None).await);
    let folder = folder();
    let narrow = MAP.replace("\"teacher-large\" =", "\"teacher-larger\" =");
    let files = [
        ("now.toml", format!("{POLICY}{MAP}")),
        ("next.toml", format!("{POLICY}{narrow}")),
        ("e.toml", EXPERIMENT.to_owned()),
    ];
    files.iter().for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
    let check = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
        command.args(["experiment", "check", "--upstream", &upstream]).args(more).arg("e.toml");
        tokio::task::block_in_place(|| command.current_dir(&folder).output().unwrap())
    };
    let output = check(&[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let escaped = "arm \"next\": grade[0].downgrade.models: leaves out \"teacher-large\"";
    assert!(stdout(&output).contains(escaped), "{}", stdout(&output));
    let of_now = stdout(&output).lines().find(|it| it.starts_with("e.toml: arm \"now\""));
    assert!(of_now.unwrap().ends_with("at the upstream: none escapes"), "{}", stdout(&output));
    let (status, arms) = models(&check(&["--format", "json"]));
    assert_eq!((status, &arms["next"]["left_out"][0]["escape"]), (Some(1), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_comes_from_a_variable_or_a_file_and_is_not_shown() {
    let teacher = teacher(Some("sk-1")).await;
    let output = check(teacher, "", MAP, &["--api-key-env", "TEST_API_KEY"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let file = folder().join("key");
    std::fs::write(&file, "sk-1\n").unwrap();
    let output = check(teacher, "", MAP, &["--api-key-file", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for (arguments, why) in [
        (&[][..], "it wants an API key, from --api-key-env or --api-key-file"),
        (&["--api-key-env", "OTHER_API_KEY"], "it does not take the API key"),
        (&["--api-key-env", "NO_SUCH_KEY"], "NO_SUCH_KEY: environment variable not found"),
    ] {
        let output = check(teacher, "", MAP, arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
        assert!(!stderr(&output).contains("sk-2"), "{}", stderr(&output));
    }
}

/// As Anthropic pages and wants its key.
fn by_pages(request: &Request) -> Response {
    let headers = request.headers();
    let known = |name: &str, value: &str| headers.get(name).is_some_and(|it| it == value);
    if !known("x-api-key", "sk-1") || !known("anthropic-version", "2023-06-01") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let page = match (request.uri().path(), request.uri().query()) {
        ("/v1/models", None) => {
            json!({"data": [{"id": "a/b&c"}], "has_more": true, "last_id": "a/b&c"})
        }
        ("/v1/models", Some("after_id=a%2Fb%26c")) => {
            json!({"data": [{"id": "teacher-large"}], "has_more": true, "last_id": "2"})
        }
        ("/v1/models", Some("after_id=2")) => {
            json!({"data": [{"id": "hidden\u{1b}[2K"}], "has_more": false})
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    Json(page).into_response()
}

/// Fails when the first page is taken for all.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_asked_for() {
    let server = serve(by_pages).await;
    let key = ["--api-key-env", "TEST_API_KEY"];
    // The address may hold the version.
    for base in ["", "/v1"] {
        let (status, said) =
            models(&check(server, base, MAP, &[&key[..], &["--format=json"]].concat()));
        assert_eq!((status, &said["listed"]), (Some(1), &json!(3)), "{base} {said}");
        assert_eq!(said["left_out"][0]["models"], json!(["a/b&c", "hidden\u{1b}[2K"]));
    }
    let output = check(server, "", MAP, &key);
    assert!(stdout(&output).contains("\"hidden\u{fffd}[2K\""), "{}", stdout(&output));
}

/// Half a list would look like a whole one. Fails when a bound ends the list quietly.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_does_not_end_or_cannot_be_read_is_an_error() {
    fn new_names(request: &Request) -> Response {
        let last = request.uri().query().and_then(|query| query.rsplit_once('=')?.1.parse().ok());
        let next: u64 = last.unwrap_or(0) + 1;
        Json(json!({"data": [{"id": next.to_string()}], "has_more": true})).into_response()
    }
    fn again(_: &Request) -> Response {
        Json(json!({"data": [{"id": "a"}], "has_more": true, "last_id": "a"})).into_response()
    }
    fn large(_: &Request) -> Response {
        format!("[\"{}\"]", "a".repeat(9 << 20)).into_response()
    }
    fn page(_: &Request) -> Response {
        "<html>".into_response()
    }
    fn none(_: &Request) -> Response {
        Json(json!({"object": "list", "data": []})).into_response()
    }
    fn moved(_: &Request) -> Response {
        (StatusCode::FOUND, [("location", "/elsewhere")]).into_response()
    }
    type Server = fn(&Request) -> Response;
    let cases: [(Server, &str); 6] = [
        (new_names, "does not end"),
        (again, "does not end"),
        (large, "cannot be asked"),
        (page, "/v1/models is no list of models"),
        (none, "lists no model"),
        (moved, "/v1/models with status 302"),
    ];
    for (answer, why) in cases {
        let output = check(serve(answer).await, "", MAP, &[]);
        assert_eq!(output.status.code(), Some(2), "{why}: {output:?}");
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
}
