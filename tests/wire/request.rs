//! What the countermeasures do to a request: only what they mean to, and nothing round them.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use guilloche::countermeasure::{RequestEdits, Tally};
use guilloche::policy::plan::{
    Downgrade, Effort, Keep, Limits, Plan, Quota, Rate, Reasoning, SideChannels,
};
use guilloche::wire::chat::Chat;
use guilloche::wire::messages::Messages;
use guilloche::wire::{Protocol, Refusal, ServerKind, Target};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::enforced;

fn number(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).unwrap()
}

fn with<T>(mut settings: T, change: impl FnOnce(&mut T)) -> T {
    change(&mut settings);
    settings
}

fn downgraded(plan: Plan, settings: Downgrade) -> Plan {
    with(plan, |plan| plan.downgrade = enforced(settings))
}

fn side_channels(allow: &[&str]) -> Plan {
    let allow = allow.iter().map(|&name| name.to_owned()).collect();
    let settings = with(SideChannels::default(), |closed| {
        closed.max_choices = number(2);
        closed.allow = allow;
    });
    with(Plan::default(), |plan| plan.side_channels = enforced(settings))
}

fn downgrade() -> Downgrade {
    with(Downgrade::default(), |it| {
        it.models = vec![("big*".parse().unwrap(), "small".to_owned())];
        it.max_output_tokens = Some(number(500));
        it.max_effort = Some(Effort::Low);
        it.max_thinking_tokens = Some(number(1024));
        it.disclose = false;
    })
}

fn everything() -> Plan {
    let reasoning = with(Reasoning::new(Keep::None), |it| it.ask_upstream = true);
    let plan = downgraded(side_channels(&[]), downgrade());
    with(plan, |plan| plan.reasoning = enforced(reasoning))
}

fn apply(plan: &Plan, protocol: &dyn Protocol, body: &str) -> Result<(String, Tally), Refusal> {
    let mut counts = Tally::default();
    let request =
        protocol.scan_request(Target::default(), body.as_bytes()).expect("the body is an object");
    let RequestEdits { edits, .. } = RequestEdits::of(plan, protocol, &request, None, &mut counts)?;
    let edited = edits.apply(&request.target, body.to_owned().into());
    Ok((String::from_utf8(edited.body.to_vec()).unwrap(), counts))
}

// Break it: always splice, or normalise white space.
#[test]
fn a_request_that_asks_for_nothing_too_much_goes_on_byte_for_byte() {
    let body = "\u{feff} { \"model\" : \"ot\\u0068er\", \"messages\":[{\"role\":\"user\",\"content\":\"\\ud83d\"}],\n\t\"max_tokens\":5e2,\"temperature\":1.10, \"n\":2 ,\"stop\":[\"a\",\"a\"]}";
    assert_eq!(apply(&side_channels(&[]), &Chat, body).unwrap().0, body);
}

// Break it: replace the span without its quotes, or the wrong member.
#[test]
fn caps_and_models_change_in_place_and_all_else_stays() {
    let body = r#"{ "stream":false,"model":"big\u002d1", "messages":[ ],"max_tokens":9e9,"max_completion_tokens": 100 ,"reasoning_effort":"high","n":7,"reasoning":{"effort":"xhigh","max_tokens":4096},"thinking_token_budget":5000}"#;
    let expected = r#"{ "stream":false,"model":"small", "messages":[ ],"max_tokens":100,"max_completion_tokens": 100 ,"reasoning_effort":"low","n":2,"reasoning":{"effort":"low","max_tokens":1024},"thinking_token_budget":1024}"#;
    let (out, counts) = apply(&everything(), &Chat, body).unwrap();
    assert_eq!(out, expected);
    assert!(counts.model_replaced);
    assert_eq!((counts.caps_lowered, counts.request_fields_closed), (5, 1));
}

// Break it: cap whole numbers only. Pydantic takes each of these for a number.
// Break it: take an agent for a setting like others.
#[test]
fn an_agent_answers_unless_another_model_has_to() {
    let asked = r#"{"agent_id":"ag:1","messages":[],"prompt_mode":"reasoning","random_seed":7}"#;
    assert_eq!(apply(&side_channels(&[]), &Chat, asked).unwrap().0, asked);
    let (left, _) = apply(&downgraded(Plan::default(), downgrade()), &Chat, asked).unwrap();
    assert!(!left.contains("agent_id") && left.contains(r#""model":"small""#), "{left}");
}

#[test]
fn numbers_in_disguise_are_capped() {
    for spelled in ["7.0", "1e1", "\"64\"", "99999999999999999999"] {
        let body = format!(
            r#"{{"model":"m","n":{spelled},"max_tokens":5,"thinking_token_budget":{spelled}}}"#
        );
        let max_thinking_tokens = Some(number(3));
        let settings = with(downgrade(), |it| {
            it.max_thinking_tokens = max_thinking_tokens;
            it.max_effort = None;
        });
        let plan = downgraded(everything(), settings);
        let (out, _) = apply(&plan, &Chat, &body).unwrap();
        assert_eq!(out, r#"{"model":"m","n":2,"max_tokens":5,"thinking_token_budget":3}"#);
    }
}

// Break it: insert the display behind the wrong brace, or lower the budget below the minimum.
#[test]
fn thinking_is_sealed_lowered_or_off_as_messages_can_take_it() {
    let sealed = |thinking: &str, max: u32| {
        let body =
            format!(r#"{{"model":"m","max_tokens":{max},"thinking":{thinking},"messages":[]}}"#);
        let plan = with(everything(), |plan| plan.side_channels = None);
        let (out, _) = apply(&plan, &Messages, &body).unwrap();
        let out: Value = serde_json::from_str(&out).unwrap();
        (out["thinking"].clone(), out["max_tokens"].clone())
    };
    assert_eq!(
        sealed(r#"{"type":"adaptive","display":"summarized"}"#, 100),
        (json!({"type": "adaptive", "display": "omitted"}), json!(100))
    );
    // A cap of 500 leaves no room for the smallest budget.
    assert_eq!(
        sealed(r#"{"type":"enabled","budget_tokens":2048}"#, 4096),
        (json!({"type": "disabled"}), json!(500))
    );
    assert_eq!(sealed(r#"{"type":"disabled"}"#, 100).0, json!({"type": "disabled"}));
}

// Break it: compare names as they are spelled, or fold ASCII only.
#[test]
fn a_governed_name_that_stands_twice_or_in_other_letters_is_refused() {
    let ambiguous = [
        r#"{"model":"a","model":"b"}"#,
        r#"{"model":"a","mod\u0065l":"b"}"#,
        r#"{"Model":"a"}"#,
        r#"{"model":"a","MODEL":"b"}"#,
        r#"{"ſtream":true}"#,
        r#"{"max_to\u212aens":9}"#,
        r#"{"n":1,"N":64}"#,
        r#"{"stream_options":{},"Stream_Options":{}}"#,
    ];
    for body in ambiguous {
        assert!(apply(&everything(), &Chat, body).is_err(), "{body}");
    }
    assert!(apply(&everything(), &Messages, r#"{"thinking":{},"Thinking":{}}"#).is_err());
}

// Break it: note every member, however many there are: memory many times the body's, and a search
// through all of them for each governed name.
#[test]
fn a_request_with_thousands_of_members_is_not_read() {
    for protocol in [&Chat as &dyn Protocol, &Messages] {
        let members = |count: usize| {
            (0..count).map(|index| format!("\"k{index}\":0")).collect::<Vec<_>>().join(",")
        };
        let scanned = |count: usize| {
            let body = format!("{{{}}}", members(count));
            protocol.scan_request(Target::default(), body.as_bytes())
        };
        assert!(scanned(1024).is_ok());
        assert!(scanned(1025).is_err());
    }
}

// Break it: take the first message for the last, or ignore escapes in the role.
#[test]
fn words_put_into_the_models_mouth_are_refused_with_side_channels_closed() {
    let last = |role: &str| {
        format!(
            r#"{{"messages":[{{"role":"assistant","content":"a"}},{{"role":"{role}","content":"<think>"}}]}}"#
        )
    };
    for protocol in [&Chat as &dyn Protocol, &Messages] {
        assert!(apply(&side_channels(&[]), protocol, &last("assistant")).is_err());
        assert!(apply(&side_channels(&[]), protocol, &last("assist\\u0061nt")).is_err());
        assert!(apply(&side_channels(&[]), protocol, &last("user")).is_ok());
        assert!(apply(&Plan::default(), protocol, &last("assistant")).is_ok());
    }
}

// Break it: remove members whole, or keep them whole.
#[test]
fn what_turns_reasoning_off_stays_of_a_member_that_says_more() {
    let body = r#"{"model":"m","chat_template_kwargs":{"x":1,"enable_thinking":false},"max_tokens":5,"extra_body":{"model":"big","thinking_budget":0}, "echo":true}"#;
    let narrowed = r#"{"model":"m","chat_template_kwargs":{"enable_thinking":false},"max_tokens":5,"extra_body":{"thinking_budget":0}}"#;
    let (out, counts) = apply(&side_channels(&[]), &Chat, body).unwrap();
    assert_eq!((out.as_str(), counts.request_fields_closed), (narrowed, 3));
    let closed: Vec<_> = counts.closed.names().collect();
    assert_eq!(closed, ["chat_template_kwargs", "echo", "extra_body"]);
    let (out, _) = apply(&side_channels(&["extra_body"]), &Chat, body).unwrap();
    assert!(out.contains(r#""extra_body":{"model":"big","thinking_budget":0}"#), "{out}");
    // What a downgrade governs it governs alone.
    let plan = downgraded(side_channels(&[]), with(downgrade(), |it| it.max_effort = None));
    let (out, _) = apply(&plan, &Chat, body).unwrap();
    assert_eq!(out, r#"{"model":"m","max_tokens":5}"#);
}

// Break it: remove what asks for reasoning or bounds it by its name, or leave a budget as it is asked.
#[test]
fn what_bounds_reasoning_stays_and_is_lowered_with_the_others() {
    let body = r#"{"model":"m","enable_thinking":true,"thinking_budget":9000,"chat_template_kwargs":{"reasoning_effort":"low","thinking_budget":7,"enable_thinking":true},"search_domain_filter":["x"],"search_mode":"web","allowed_token_ids":[1],"citation_options":"enabled"}"#;
    assert_eq!(apply(&side_channels(&[]), &Chat, body).unwrap().0, body);
    let settings = with(downgrade(), |it| {
        it.max_effort = None;
        it.max_thinking_tokens = NonZeroU32::new(100);
    });
    let plan = downgraded(side_channels(&[]), settings);
    for (asked, left) in [("9000", "100"), ("50", "50")] {
        let body = format!(r#"{{"model":"m","thinking_budget":{asked},"max_tokens":5}}"#);
        let lowered = format!(r#"{{"model":"m","thinking_budget":{left},"max_tokens":5}}"#);
        assert_eq!(apply(&plan, &Chat, &body).unwrap().0, lowered);
        // No server of the other protocol reads it as a budget.
        let (out, _) = apply(&plan, &Messages, &body).unwrap();
        assert_eq!(out, r#"{"model":"m","max_tokens":5}"#);
    }
    for unclear in ["0", "-1", "\"50\"", "null", "1e2"] {
        let body = format!(r#"{{"model":"m","thinking_budget":{unclear},"max_tokens":5}}"#);
        let (out, _) = apply(&plan, &Chat, &body).unwrap();
        assert_eq!(out, r#"{"model":"m","max_tokens":5}"#, "{unclear}");
    }
}

// Break it: take a member off the allow-list, or `"separate_reasoning":true` off the table.
#[test]
fn samplers_constraints_and_closed_switches_pass_byte_for_byte() {
    let body = r#"{"model":"m","repeat_penalty":1.1,"mirostat":2,"samplers":["top_k"],"cache_prompt":true,"n_keep":4,"dry_multiplier":0.8,"grammar":"root ::= x","grammar_lazy":true,"grammar_triggers":[],"random_seed":1,"bad_words":["a"],"thinking_budget":0,"separate_reasoning":true,"stream_reasoning":false,"reasoning_format":"parsed","disable_reasoning":true,"top_logprobs":null,"think":null,"use_beam_search":false,"background":false,"xtc_probability":0.5,"xtc_threshold":0.1,"typical_p":0.9,"usage":{"include": true},"tool_stream":true,"do_sample":true,"prompt_logprobs":null,"extra_body":{"google":{"thinking_config":{"thinking_budget":0}}}}"#;
    assert_eq!(apply(&side_channels(&[]), &Chat, body).unwrap().0, body);
    for opening in [
        "\"separate_reasoning\":false",
        "\"preserved_tokens\":[1]",
        "\"reasoning_format\":\"none\"",
    ] {
        let body = format!("{{\"model\":\"m\",{opening}}}");
        assert_eq!(apply(&side_channels(&[]), &Chat, &body).unwrap().0, r#"{"model":"m"}"#);
    }
}

// Break it: refuse whatever the kind, or pass it whatever the kind.
#[test]
fn a_system_message_ends_the_assistants_turn_where_it_stays_in_its_place() {
    let ending = |closing: &str| {
        format!(
            r#"{{"messages":[{{"role":"assistant","content":"<think>"}},{{"role":"system","content":"{closing}"}}]}}"#
        )
    };
    let sent_to = |kind: ServerKind, body: &str| {
        let request = Chat.scan_request(Target::default(), body.as_bytes()).unwrap();
        let (request, mut counts) = (request.addressed(kind), Tally::default());
        RequestEdits::of(&side_channels(&[]), &Chat, &request, None, &mut counts).err()
    };
    for kind in ServerKind::ALL {
        let hoists = ["custom", "anthropic", "bedrock", "gemini", "mistral"].contains(&kind.name());
        let refusal = sent_to(kind, &ending("Now summarise"));
        assert_eq!(refusal.is_some(), hoists, "{kind:?}");
        if let Some(refusal) = refusal {
            assert!(refusal.message.contains("moved to the front"), "{}", refusal.message);
        }
        assert!(sent_to(kind, &ending(" ")).is_some(), "{kind:?}");
    }
}

// Break it: resume a summary for any kind, or with words around it.
#[test]
fn a_summary_of_the_servers_own_is_resumed_where_the_server_makes_them() {
    let ending =
        |blocks: &str| format!(r#"{{"messages":[{{"role":"assistant","content":[{blocks}]}}]}}"#);
    let passes = |kind: ServerKind, blocks: &str| {
        let body = ending(blocks);
        let request = Messages.scan_request(Target::default(), body.as_bytes()).unwrap();
        let (request, plan) = (request.addressed(kind), side_channels(&[]));
        RequestEdits::of(&plan, &Messages, &request, None, &mut Tally::default()).is_ok()
    };
    let summary = r#"{"type":"compaction","content":"s"}"#;
    let text = r#"{"type":"text","text":"<think>"}"#;
    assert!(passes(ServerKind::Anthropic, summary) && passes(ServerKind::Custom, summary));
    assert!(!passes(ServerKind::Vllm, summary));
    assert!(!passes(ServerKind::Custom, &format!("{text},{summary}")));
    assert!(!passes(ServerKind::Custom, &format!("{summary},{text}")));
}

fn counting() -> Plan {
    let hundred = NonZeroU64::new(100).unwrap();
    let quota = Quota { amount: hundred, period: Duration::from_secs(60), burst: hundred };
    let limits = Limits { output_tokens: Some(quota), ..Limits::default() };
    let rate = with(Rate::default(), |it| {
        it.account = limits;
        it.reserve_output_tokens = number(10);
    });
    with(Plan::default(), |plan| plan.rate = enforced(rate))
}

/// Names that a policy governs, allows or has never heard of.
const NAMES: [&str; 16] = [
    "model",
    "messages",
    "stream",
    "n",
    "max_tokens",
    "max_completion_tokens",
    "reasoning_effort",
    "reasoning",
    "thinking_token_budget",
    "temperature",
    "stop",
    "logprobs",
    "top_logprobs",
    "return_token_ids",
    "chat_template_kwargs",
    "x\u{e9} \"y",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..100_000_u64).prop_map(Value::from),
        // Eighths, which serde_json reads back exactly.
        (0..1000_u32).prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        "(big-1|high|low|none|,|\\}|\"|\\\\|é){0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(
                "(effort|max_tokens|include_usage|role|k)",
                inner,
                0..3
            )
            .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn request() -> impl Strategy<Value = (Map<String, Value>, bool)> {
    let members =
        proptest::collection::btree_map(proptest::sample::select(NAMES.to_vec()), value(), 0..10);
    let members = members.prop_map(|members| {
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    });
    (members, any::<bool>())
}

/// Lowers a number; what is none counts as the greatest.
fn cap(members: &mut Map<String, Value>, name: &str, most: u64) {
    if let Some(asked) = members.get_mut(name).filter(|asked| !asked.is_null()) {
        *asked = asked.as_u64().unwrap_or(u64::MAX).min(most).into();
    }
}

/// The caps of a request, 500 at the most.
fn cap_output(members: &mut Map<String, Value>) {
    let names = ["max_tokens", "max_completion_tokens"];
    let tokens = |value: &Value| value.as_u64().filter(|tokens| *tokens > 0);
    let least = names.iter().filter_map(|name| tokens(members.get(*name)?)).fold(500, u64::min);
    for name in names {
        if let Some(asked) = members.get_mut(name).filter(|asked| !asked.is_null()) {
            *asked = tokens(asked).map_or(least, |asked| asked.min(500)).into();
        }
    }
    if names.iter().all(|name| members.get(*name).is_none_or(Value::is_null)) {
        let null = names.iter().find(|name| members.contains_key(**name));
        members.insert((*null.unwrap_or(&"max_tokens")).to_owned(), 500.into());
    }
}

/// The efforts of a request, `low` at the most.
fn lower_effort(members: &mut Map<String, Value>) {
    let lowered = |effort: &Value| {
        let known = effort.as_str().map(|name| name.trim().to_lowercase());
        let low = known.is_some_and(|name| ["none", "minimal", "low"].contains(&&*name));
        if low { effort.clone() } else { json!("low") }
    };
    let object = members.get("reasoning").and_then(Value::as_object);
    let budget = object.is_some_and(|it| it.get("max_tokens").is_some_and(|it| !it.is_null()));
    let apart = object.is_some_and(|it| !it.contains_key("effort"));
    let mut named = false;
    if let Some(effort) = members.get("reasoning_effort").cloned() {
        let known = effort.as_str().is_some_and(|name| Effort::from_name(name).is_some());
        match budget {
            true if effort.is_null() => {}
            // Without a place of its own, an unknown one is as none.
            true if !known => drop(members.remove("reasoning_effort")),
            _ => {
                members.insert("reasoning_effort".into(), lowered(&effort));
                named = true;
            }
        }
    }
    match members.get_mut("reasoning") {
        Some(Value::Object(reasoning)) => {
            if let Some(effort) = reasoning.get_mut("effort").filter(|it| !(budget && it.is_null()))
            {
                *effort = lowered(effort);
                named = true;
            }
        }
        Some(effort) => {
            let low = lowered(effort);
            if *effort != low {
                *effort = json!({"effort": low});
            }
            named = true;
        }
        None => {}
    }
    if named || budget {
        return;
    }
    match members.get_mut("reasoning").and_then(Value::as_object_mut).filter(|_| apart) {
        Some(reasoning) => drop(reasoning.insert("effort".into(), "low".into())),
        None => drop(members.insert("reasoning_effort".into(), "low".into())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Oracle: serde_json's map, edited with a few lines of its own.
    // Break it: leave a comma too many in `removals`, or insert before what is removed.
    #[test]
    fn any_request_stays_valid_and_changes_only_where_the_plan_says((members, pretty) in request()) {
        let value = Value::Object(members.clone());
        let body = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let Ok((out, _)) = apply(&everything(), &Chat, &body) else { return Ok(()) };
        let out: Map<String, Value> = serde_json::from_str(&out).expect("still JSON");

        let mut expected = members;
        expected.remove("x\u{e9} \"y");
        // What asks for nothing stays.
        for name in ["logprobs", "top_logprobs"] {
            if expected.get(name).is_some_and(|value| !value.is_null() && *value != json!(false)) {
                expected.remove(name);
            }
        }
        if expected.get("top_logprobs") == Some(&json!(false)) { expected.remove("top_logprobs"); }
        for (name, closed) in
            [("return_token_ids", json!(false)), ("chat_template_kwargs", json!({}))]
        {
            if expected.get(name).is_some_and(|value| *value != closed) { expected.remove(name); }
        }
        let named = expected.get("model").and_then(Value::as_str).is_some_and(|model| !model.is_empty());
        let big = |model: &Value| model.as_str().is_some_and(|model| model.starts_with("big"));
        if !named || expected.get("model").is_some_and(big) {
            expected.insert("model".into(), "small".into());
        }
        cap_output(&mut expected);
        for (name, most) in [("n", 2), ("thinking_token_budget", 1024)] {
            cap(&mut expected, name, most);
        }
        lower_effort(&mut expected);
        if let Some(Value::Object(reasoning)) = expected.get_mut("reasoning") {
            cap(reasoning, "max_tokens", 1024);
        }
        prop_assert_eq!(out, expected);
    }

    /// Oracle: serde_json.
    // Break it: forget the comma in an insertion into an object that is not empty.
    #[test]
    fn usage_is_asked_for_in_any_streamed_request_and_only_there(
        options in proptest::option::of(value()), stream in any::<bool>(), pretty in any::<bool>(),
    ) {
        let mut value = json!({"stream": stream, "messages": []});
        if let Some(options) = &options { value["stream_options"] = options.clone(); }
        let body = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let (out, _) = apply(&counting(), &Chat, &body).unwrap();
        let read: Value = serde_json::from_str(&out).unwrap();
        if stream {
            prop_assert_eq!(&read["stream_options"]["include_usage"], &json!(true), "{}", out);
        } else {
            prop_assert_eq!(out, body);
        }
    }
}
