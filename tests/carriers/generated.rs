//! Any request: still JSON, the marks' settings gone, and nothing else changed.

use guilloche::countermeasure::watermark::Carrier;
use guilloche::wire::chat::Chat;
use guilloche::wire::messages::Messages;
use guilloche::wire::{Protocol, Target};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{ACCOUNT, carriers, chosen};

const NAMES: [&str; 16] = [
    "model",
    "messages",
    "watermark",
    "Watermarking",
    "vllm_xargs",
    "extra_args",
    "extra_body",
    "options",
    "logit_bias",
    "temperature",
    "tools",
    "n",
    "logprobs",
    "response_format",
    "delta",
    "x\u{e9} \"y",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3_u64).prop_map(Value::from),
        (0..1000_u32).prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        "(text|none|,|\\}|\"|\\\\|é){0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let names = "(watermark|watermarking|delta|GAMMA|type|100|7|vllm_xargs|options|k)";
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(names, inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn request() -> impl Strategy<Value = Map<String, Value>> {
    let names = proptest::sample::select(NAMES.to_vec());
    let members = proptest::collection::btree_map(names, value(), 0..8);
    members.prop_map(|members| {
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    })
}

/// Oracle: the same removals on a map, by recursion. Counts what it removes.
fn strip(object: &mut Map<String, Value>, plugin: bool, depth: usize, count: &mut u64) {
    object.retain(|name, _| {
        let name = name.to_lowercase();
        let mark = name == "watermark" || name == "watermarking";
        let plugin = plugin && ["gamma", "delta", "hash_key", "seeding_scheme"].contains(&&*name);
        *count += u64::from(mark || plugin);
        !mark && !plugin
    });
    for (name, value) in object {
        let name = name.to_lowercase();
        let plugin = name == "vllm_xargs" || name == "extra_args";
        if let (true, Value::Object(inner)) =
            (depth > 0 && (plugin || name == "extra_body" || name == "options"), value)
        {
            strip(inner, plugin, depth - 1, count);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Oracle: serde_json's map, edited with a few lines of its own.
    // Break it: strip at a depth of one, or put the insertion before what is removed.
    #[test]
    fn any_request_stays_valid_and_changes_only_where_the_choice_says(
        members in request(), pretty in any::<bool>(), preference in 0..5_usize,
        closed in proptest::collection::vec(0..8_usize, 0..3),
    ) {
        let value = Value::Object(members.clone());
        let body = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let order = [Carrier::ALL[preference]];
        let mut closed: Vec<usize> = closed.into_iter().filter(|index| *index < members.len()).collect();
        closed.sort_unstable();
        closed.dedup();
        let (choice, out) = chosen(&carriers(&order), ACCOUNT, &Chat, &body, &closed);
        let mut out: Map<String, Value> = serde_json::from_str(&out).expect("still JSON");

        let names: Vec<String> = members.keys().cloned().collect();
        let mut expected = members;
        for index in &closed { expected.remove(&names[*index]); }
        let mut count = 0;
        strip(&mut expected, false, 4, &mut count);
        prop_assert_eq!(choice.stripped, count);
        match choice.carrier {
            Some(Carrier::Sglang) => {
                let added = out.remove("watermark").expect("it was added");
                prop_assert_eq!(&added["enabled"], &json!(true));
            }
            Some(Carrier::VllmXargs) => {
                let own = out.get_mut("vllm_xargs").and_then(Value::as_object_mut).expect("an object");
                for name in ["gamma", "delta", "hash_key", "seeding_scheme"] {
                    prop_assert!(own.remove(name).is_some());
                }
                if own.is_empty() { out.remove("vllm_xargs"); expected.remove("vllm_xargs"); }
            }
            Some(Carrier::LogitBias) => {
                let own = out.get_mut("logit_bias").and_then(Value::as_object_mut).expect("an object");
                let theirs = expected.get("logit_bias").and_then(Value::as_object).cloned().unwrap_or_default();
                let before = own.len();
                own.retain(|name, _| theirs.contains_key(name));
                prop_assert!(before <= 6 && before > own.len());
                if own.is_empty() { out.remove("logit_bias"); expected.remove("logit_bias"); }
            }
            Some(Carrier::Vllm | Carrier::Lexical) | None => {}
        }
        prop_assert_eq!(out, expected);
    }

    // Break it: index bytes without a look at the end.
    #[test]
    fn no_bytes_make_the_reading_of_requests_panic(
        prefix in "\\{\"(watermark|vllm_xargs|options|logit_bias|tools|tool_choice|modalities|response_format|temperature)\":",
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut body = prefix.into_bytes();
        body.extend(bytes);
        for protocol in [&Chat as &dyn Protocol, &Messages] {
            let _ = protocol.scan_request(Target::default(), &body);
        }
    }
}
