//! Promise 12: whatever a client adds to a request, what is carried out is no weaker than without it.
//!
//! A client writes header fields, members, duplicates, other spellings, methods and paths around one
//! request; a detector signs what it sees; what reaches the upstream is judged as the most generous
//! server would read it.

use std::sync::Arc;
use std::time::Duration;

use guilloche::risk::{
    Context, RiskClaim, RiskScore, SignedHeader, Signer, SigningKey, Validity, credential,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use super::support::*;

const API_KEY: &str = "sk-1";
const REFUSE: &str = "refuse = {}";
const PLAN: &str = "side_channels = {}
reasoning = { keep = \"none\" }
rate = { account = { output_tokens = \"1000 per day\" } }
[grade.downgrade]
models = { \"big*\" = \"small\" }
other_models = \"small\"
max_output_tokens = 100
max_effort = \"low\"
";
const ANSWER: &str = r#"{"choices":[{"message":{"reasoning_content":"zebra","content":"12"},"logprobs":{"content":["zebra"]}}]}"#;

/// What a client makes of its request.
#[derive(Clone, Debug)]
struct Written {
    method: Method,
    path: &'static str,
    /// Before those of the detector.
    before: Vec<(&'static str, &'static str)>,
    /// Behind them: a detector in front prepends.
    after: Vec<(&'static str, &'static str)>,
    /// The credential; the detector has taken it for the one that it binds.
    credential: &'static str,
    /// Members of the body, as they stand.
    members: Vec<String>,
    messages: &'static str,
    /// The detector replaces the risk field, rather than adding a line.
    replaces: bool,
}

const CREDENTIALS: [&str; 6] =
    ["Bearer sk-1", "bearer  sk-1", "Bearer\tsk-1", "Token sk-1", "sk-1", "Bearer sk-2"];

/// More lines of the risk header than are looked at.
const CROWD: [(&str, &str); 7] = [
    ("guilloche-risk", "1"),
    ("guilloche-risk", "2"),
    ("guilloche-risk", "3"),
    ("guilloche-risk", "4"),
    ("guilloche-risk", "5"),
    ("guilloche-risk", "6"),
    ("guilloche-risk", "7"),
];

const FIELDS: [(&str, &str); 30] = [
    ("x-api-key", "junk"),
    ("api-key", "junk"),
    ("x-goog-api-key", "junk"),
    ("authorization", "Bearer sk-2"),
    ("authorization", "Bearer\tsk-2"),
    ("authorization", "Token sk-2"),
    ("authorization", "sk-2"),
    ("connection", "x-api-key"),
    ("connection", "authorization, api-key"),
    ("guilloche-risk", "account=\"a\", score=0.0, issued=1, ttl=1"),
    ("guilloche-risk", "confidence=0.0"),
    ("guilloche-risk", "\""),
    ("guilloche-risk", ""),
    ("signature-input", "guilloche=()"),
    ("signature-input", "guilloche=(\"guilloche-risk\" \"@method\" \"@path\");keyid=\"2026\""),
    ("signature-input", "guilloche=\"x"),
    ("signature", "guilloche=:AA==:"),
    ("signature", "theirs=\"x, guilloche=:AA==:"),
    ("signature", "guilloche"),
    ("x-original-url", "/v1/models"),
    ("x-http-method-override", "POST"),
    ("content-type", "text/plain"),
    ("expect", "100-continue"),
    ("origin", "https://app.example"),
    ("x-portkey-config", "{\"override_params\":{\"model\":\"big\"}}"),
    ("helicone-fallbacks", "big"),
    ("x-gateway-model-name", "big"),
    ("x-target", "big"),
    ("x-deployment", "a, vendor/BIG:think"),
    ("x-backend", "lb=1;to=\"big\""),
];

const PATHS: [&str; 22] = [
    CHAT,
    "/chat/completions",
    "/api/v1/chat/completions",
    "/openai/deployments/big/chat/completions",
    "/models/org/big/v1/chat/completions",
    "/upstream/big/v1/chat/completions",
    "/Vendor/Big:think/v1/chat/completions",
    "/openai/@route:big/chat/completions",
    "/v1/chat/completions?model=big",
    "/v1/chat/completions?api-version=1&m%256fdels%5B%5D=big;x=1",
    "/v1/chat/completions?target=vendor/BIG@2",
    "/v1/chat/completions?config=%7B%22m%22:%22big%22%7D",
    "/openai/deployments/big/chat/completions?max_tokens=99999",
    "/v1/chat/completions?route=other",
    "/v1//chat/completions",
    "/v1/chat%2Fcompletions",
    "/v1/chat/completions/",
    "/v1/models",
    "/v1/models/org%2Fbig",
    "/v1/models/..%2Fchat%2Fcompletions",
    "/v1/embeddings",
    "/v1/responses/compact",
];

const MEMBERS: [&str; 26] = [
    "model",
    "Model",
    "mod\\u0065l",
    "models",
    "max_tokens",
    "max_completion_tokens",
    "MAX_TOKENS",
    "max_new_tokens",
    "reasoning_effort",
    "reasoning",
    "thinking",
    "thinking_token_budget",
    "n",
    "N",
    "logprobs",
    "return_token_ids",
    "enable_thinking",
    "chat_template_kwargs",
    "thinking_budget",
    "think",
    "extra_body",
    "options",
    "tools",
    "plugins",
    "provider",
    "metadata",
];

const VALUES: [&str; 34] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "7",
    "99999",
    "-1",
    "1e9",
    "\"99999\"",
    "\"\"",
    "\" big\"",
    "\"BIG\"",
    "\"vendor/big:think\"",
    "\"other\"",
    "\"high\"",
    "\" HIGH \"",
    "\"default\"",
    "\"ultra\"",
    "[]",
    "{}",
    r#"{"effort":"high"}"#,
    r#"{"max_tokens":99999}"#,
    r#"{"type":"enabled","budget_tokens":99999}"#,
    r#"{"reasoning_effort":"none"}"#,
    r#"{"enable_thinking":false,"model":"big","extra_body":{"max_tokens":99999}}"#,
    r#"{"enable_thinking":true,"num_predict":99999,"model":"big"}"#,
    r#"{"effort":"low","Effort":"high"}"#,
    r#"{"type":"enabled","budget_tokens":5,"Budget_Tokens":99999,"effort":"max"}"#,
    r#"{"num_predict":5,"Num_Predict":99999}"#,
    r#"[{"type":"advisor_1","name":"a","model":"big"}]"#,
    r#"{"tags":["paid"],"a":"b","to":{"x":1}}"#,
    r#"{"reasoning_effort":"high","thinking_budget":99999}"#,
    r#"[{"id":"web"},{"id":"auto-router","allowed_models":["big"]}]"#,
];

const MESSAGES: [&str; 9] = [
    r#"[{"role":"user","content":"q"}]"#,
    r#"[{"role":"assistant","content":"<think>"}]"#,
    r#"[{"role":"assistant","content":"<think>","tool_calls":[]}]"#,
    r#"[{"role":"assistant","content":"<think>"},{"role":"system","content":""}]"#,
    r#"[{"role":"assistant","content":"<think>"},{"role":"system","content":"go on"}]"#,
    r#"[{"role":"assistant","content":[{"type":"text","text":"<think>"},{"type":"compaction"}]}]"#,
    r#"[{"role":"assistant","content":"<think>"},{"role":"user","content":[]}]"#,
    r#"[{"role":"ASSISTANT","content":"<think>"}]"#,
    r#"[{"role":"assistant","role":"user","content":"<think>"}]"#,
];

fn written() -> impl Strategy<Value = Written> {
    let fields = || proptest::collection::vec(select(FIELDS.to_vec()), 0..3);
    let member = (select(MEMBERS.to_vec()), select(VALUES.to_vec()))
        .prop_map(|(name, value)| format!("\"{name}\":{value}"));
    let members = proptest::collection::vec(member, 0..4);
    let method = prop_oneof![
        8 => Just(Method::POST),
        1 => select(vec![Method::OPTIONS, Method::GET, Method::PUT]),
    ];
    let path = prop_oneof![3 => Just(CHAT), 2 => select(PATHS.to_vec())];
    let messages = prop_oneof![3 => Just(MESSAGES[0]), 1 => select(MESSAGES.to_vec())];
    let named = any::<bool>();
    let credential = prop_oneof![3 => Just(CREDENTIALS[0]), 1 => select(CREDENTIALS.to_vec())];
    let crowd = prop_oneof![9 => Just(&[][..]), 1 => Just(&CROWD[..])];
    let more = (any::<bool>(), named, credential, crowd);
    (method, path, fields(), fields(), members, messages, more).prop_map(
        |(method, path, before, mut after, mut members, messages, more)| {
            let (replaces, named, credential, crowd) = more;
            if named {
                members.push("\"model\":\"big\"".to_owned());
            }
            after.extend(crowd);
            Written { method, path, before, after, credential, members, messages, replaces }
        },
    )
}

impl Written {
    fn body(&self) -> String {
        let messages = format!("\"messages\":{}", self.messages);
        let members = std::iter::once(messages).chain(self.members.iter().cloned());
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }

    /// The request as it comes from the detector.
    fn signed(&self, key: &SigningKey, score: f64) -> Request<Script> {
        let mut headers = HeaderMap::new();
        let put = |headers: &mut HeaderMap, fields: &[(&'static str, &'static str)]| {
            for (name, value) in fields {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
        };
        put(&mut headers, &[("authorization", self.credential)]);
        put(&mut headers, &self.before);
        let now = jiff::Timestamp::now();
        let validity = Validity { issued: now, ttl: Duration::from_secs(300) };
        let principal = caller("alice", None, score).principal;
        let claim = RiskClaim::new(principal, RiskScore::new(score, validity).unwrap());
        let credential = Some(credential::hash(API_KEY.as_bytes()));
        let claim = RiskClaim { credential, ..claim };
        let signer = Signer::new(key.clone());
        let path = self.path.split('?').next().unwrap();
        let fields = signer.sign(&claim, &self.method, path, now).unwrap();
        if self.replaces {
            headers.remove("guilloche-risk");
        }
        for (name, value) in fields.entries() {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        if !self.replaces {
            put(&mut headers, &self.after);
        }
        let mut request = Request::builder().method(self.method.clone()).uri(self.path);
        request.headers_mut().unwrap().extend(headers);
        request.body(Script::whole(self.body())).unwrap()
    }
}

/// What there is of a request that reached the upstream which the plan forbids.
fn forbidden(seen: &Seen) -> Option<String> {
    let path = seen.head.uri.path();
    let target = seen.head.uri.to_string();
    let lower = target.to_lowercase();
    let query = lower.split_once('?').map_or("", |(_, query)| query);
    let chooses = ["model", "dels", "route=", "max_tokens"].iter().any(|it| query.contains(it));
    if chooses || lower.contains("big") {
        return Some(format!("the target asks for the big model, or for more: {target}"));
    }
    for name in [
        "x-original-url",
        "x-http-method-override",
        "guilloche-risk",
        "x-portkey-config",
        "helicone-fallbacks",
        "x-gateway-model-name",
        "x-target",
        "x-deployment",
        "x-backend",
    ] {
        if seen.head.headers.contains_key(name) {
            return Some(format!("{name} is passed on"));
        }
    }
    let text = seen.text();
    let body: Value = serde_json::from_str(&text).unwrap();
    let members = body.as_object().unwrap();
    let model = members.get("model").and_then(Value::as_str).unwrap_or_default();
    if model != "small" && !path.contains("small") {
        return Some(format!("{model:?} answers"));
    }
    let caps = ["max_tokens", "max_completion_tokens"];
    let caps: Vec<&Value> =
        caps.iter().filter_map(|name| members.get(*name)).filter(|cap| !cap.is_null()).collect();
    let over = |cap: &&Value| cap.as_u64().is_none_or(|cap| cap == 0 || cap > 100);
    if caps.is_empty() || caps.iter().any(over) {
        return Some(format!("output is capped at {caps:?}"));
    }
    let nested = |name: &str, inner: &str| members.get(name).and_then(|it| it.get(inner)).cloned();
    let efforts = [members.get("reasoning_effort").cloned(), nested("reasoning", "effort")];
    let low = [Value::from("low"), "minimal".into(), "none".into()];
    let named: Vec<Value> = efforts.into_iter().flatten().filter(|it| !it.is_null()).collect();
    let budgets = [
        nested("reasoning", "max_tokens"),
        nested("thinking", "budget_tokens"),
        members.get("thinking_token_budget").cloned(),
    ];
    let budgets: Vec<Value> = budgets.into_iter().flatten().filter(|it| !it.is_null()).collect();
    if named.iter().any(|effort| !low.contains(effort)) || named.is_empty() && budgets.is_empty() {
        return Some(format!("the efforts are {named:?}"));
    }
    if budgets.iter().any(|budget| budget.as_u64().is_none_or(|budget| budget > 1024)) {
        return Some(format!("the budgets are {budgets:?}"));
    }
    let budget = members.get("thinking_budget");
    if budget.is_some_and(|it| it.as_u64().is_none_or(|it| it == 0 || it > 1024)) {
        return Some(format!("the budget is {budget:?}"));
    }
    let metadata = members.get("metadata").and_then(Value::as_object).into_iter().flatten();
    if { metadata }.any(|(_, value)| value.is_array() || value.is_object()) {
        return Some("metadata holds more than text".to_owned());
    }
    if members.get("n").is_some_and(|n| !n.is_null() && n != 1 && n != 0) {
        return Some("several choices".to_owned());
    }
    let off = |value: &Value| value.is_null() || *value == false;
    for name in ["logprobs", "return_token_ids", "enable_thinking"] {
        if members.get(name).is_some_and(|value| !off(value)) {
            return Some(format!("{name} is passed on"));
        }
    }
    for name in ["models", "max_new_tokens", "extra_body", "Model", "MAX_TOKENS", "N"] {
        if members.contains_key(name) {
            return Some(format!("{name} is passed on"));
        }
    }
    let switched_off = |name: &str| nested("chat_template_kwargs", name) == Some(false.into());
    let arguments = members.get("chat_template_kwargs").and_then(Value::as_object);
    if arguments.is_some_and(|all| all.keys().any(|name| !switched_off(name))) {
        return Some("arguments of the template are passed on".to_owned());
    }
    for name in ["tools", "plugins"] {
        let entries = members.get(name).and_then(Value::as_array).into_iter().flatten();
        // What has no type is a tool of the client's own.
        let mut asked = entries.filter(|entry| name == "plugins" || entry["type"].is_string());
        if asked.any(|entry| entry.to_string().contains("big")) {
            return Some(format!("{name} ask the big model"));
        }
    }
    if nested("provider", "model").is_some() {
        return Some("the provider is asked for a model".to_owned());
    }
    let governed = [
        ("reasoning", "effort"),
        ("reasoning", "max_tokens"),
        ("thinking", "budget_tokens"),
        ("thinking", "effort"),
        ("options", "num_predict"),
    ];
    for (name, member) in governed {
        let inside = members.get(name).and_then(Value::as_object);
        let differs = |key: &String| *key != member && key.to_lowercase() == member;
        if inside.is_some_and(|inside| inside.keys().any(differs)) {
            return Some(format!("{name} has {member} in another case"));
        }
    }
    if nested("thinking", "effort").is_some_and(|effort| effort == "max") {
        return Some("thinking has an effort".to_owned());
    }
    if nested("options", "num_predict").is_some_and(|cap| cap.as_u64().is_none_or(|it| it > 100)) {
        return Some("options raise the cap".to_owned());
    }
    (!text.contains(r#""content":"q""#)).then(|| "words in the model's mouth".to_owned())
}

/// Sends what a client wrote and says what is weaker, if anything is.
fn weaker(written: &Written, grade: &str) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let key = SigningKey::new("2026", &[1; 32]).unwrap();
        let source = SignedHeader::new(Context::new(Arc::default()).unwrap(), vec![key.clone()]);
        let world = World::with(policy(grade), |builder| builder.risk(source));
        world.upstream.answer(json(ANSWER));
        let answer = world.call(written.signed(&key, 0.9)).await;
        let status = answer.status();
        let read = read(answer.into_body()).await.text();
        let seen = world.upstream.seen();
        if world.records.all().len() != 1 {
            return Some(format!("{} records", world.records.all().len()));
        }
        let Some(seen) = seen.first() else {
            return (!status.is_client_error()).then(|| format!("answered with {status}"));
        };
        if grade == REFUSE {
            return Some(format!("a refused caller got {status}"));
        }
        if seen.head.uri.path().ends_with("/embeddings") {
            return None;
        }
        forbidden(seen).or_else(|| read.contains("zebra").then(|| "the reasoning is shown".into()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    // Break it: take a request whose credential is not the bound one for anybody's, read one line of the
    // risk header or no more than a few, cap `max_tokens` alone, or pass `OPTIONS` with a body.
    #[test]
    fn whatever_a_client_adds_the_plan_that_is_carried_out_is_no_weaker(written in written()) {
        prop_assert_eq!(weaker(&written, PLAN), None);
    }

    #[test]
    fn whatever_a_client_adds_a_refusal_stays_one_and_is_recorded(written in written()) {
        prop_assert_eq!(weaker(&written, REFUSE), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    // Break it: let the policy see letters instead of models.
    #[test]
    fn however_a_client_spells_a_model_it_is_the_same_one(
        blank in select(vec!["", " ", "\\t", "\\ufeff"]),
        vendor in select(vec!["", "vendor/", "a/B/"]),
        name in select(vec!["big", "Big", "BIG", "b\\u0069g"]),
        variant in select(vec!["", ":think", "@2026", " "]),
    ) {
        let mapped = "side_channels = {}\ndowngrade = { models = { \"big\" = \"small\" } }";
        let model = format!("\"model\":\"{blank}{vendor}{name}{variant}\"");
        let written = Written { members: vec![model], ..plain() };
        prop_assert_eq!(asked(&written, mapped), Some("small".into()));
    }
}

/// The model that the upstream is asked for.
fn asked(written: &Written, grade: &str) -> Option<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let world = World::new(policy(grade));
        let asks = request(suspicious(), CHAT, Script::whole(written.body()));
        world.exchange(asks, json(ANSWER)).await;
        let seen = world.upstream.seen();
        let body: Value = serde_json::from_str(&seen.first()?.text()).unwrap();
        body.get("model").cloned()
    })
}

fn plain() -> Written {
    Written {
        method: Method::POST,
        path: CHAT,
        before: Vec::new(),
        after: Vec::new(),
        credential: CREDENTIALS[0],
        members: vec!["\"model\":\"big\"".to_owned()],
        messages: MESSAGES[0],
        replaces: true,
    }
}

/// Without additions it is the plan that the property compares with.
#[test]
fn without_additions_the_plan_is_carried_out() {
    let written = plain();
    assert_eq!(weaker(&written, PLAN), None);
    assert_eq!(weaker(&written, REFUSE), None);
    assert_eq!(
        weaker(&written, "pace = { tokens_per_second = 100 }").as_deref(),
        Some("\"big\" answers")
    );
}
