//! Where a sealed block opens when it comes back, and where it never does.

use guilloche::risk::TenantId;
use guilloche::secret::Secret;
use http::Response;
use serde_json::{Value, json};

use super::sealed::{
    CALL, SEAL, SIGNATURE, alice, answered, blocks, first_turn, forwarded, message, next_turn,
    read_json, sent_to, thinking, world, world_of, world_with,
};
use crate::support::{
    MESSAGES, PREFIX, SECRET, Script, caller, json as document, policy, read, request,
};

// Break it: open only for those who have reached a grade.
#[tokio::test(start_paused = true)]
async fn it_opens_whatever_the_callers_grade_has_become() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let original = read_json(&next_turn(&blocks(&answer)));
    for score in [0.0, 0.4, 0.6, 1.0] {
        let seen = forwarded(&world, caller("alice", None, score), &next_turn(&got)).await;
        assert_eq!(read_json(&seen), original, "at {score}");
    }
    // Also where its cluster has become known.
    let seen = forwarded(&world, caller("alice", Some("hydra"), 0.1), &next_turn(&got)).await;
    assert_eq!(read_json(&seen), original);
}

// Break it: leave one of them out of what is bound.
#[tokio::test(start_paused = true)]
async fn no_other_principal_and_no_other_model_opens_it() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let mut tenant = alice();
    tenant.principal.tenant = Some(TenantId::new("blue").unwrap());
    let model = next_turn(&got).replace("\"model\":\"m\"", "\"model\":\"n\"");
    let (twice, none) = (
        next_turn(&got).replace("\"model\":\"m\"", "\"model\":\"m\",\"model\":\"m2\""),
        next_turn(&got).replace(",\"model\":\"m\"", ""),
    );
    for (caller, body) in [
        (caller("bob", None, 0.9), next_turn(&got)),
        (caller("bob", None, 0.0), next_turn(&got)),
        (tenant, next_turn(&got)),
        (alice(), model),
        (caller("alice", None, 0.0), twice),
        (alice(), none),
    ] {
        let seen = forwarded(&world, caller, &body).await;
        assert!(!seen.contains("Sum ") && !seen.contains(PREFIX), "{seen}");
        assert_eq!(read_json(&seen)["messages"][1]["content"], json!([got[1]]), "{seen}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_large_model_thought_is_not_shown_to_the_small_one_that_answers_instead() {
    let grades = "reasoning = { keep = \"none\", seal = {} }\n\
        [[grade]]\nname = \"reduced\"\nat = 0.8\nreasoning = { keep = \"none\", seal = {} }\n\
        downgrade = { models = { \"m\" = \"small\" } }";
    let world = world_of(grades);
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let (milder, higher) = (caller("alice", None, 0.6), caller("alice", None, 0.9));
    let large = answered(&world, milder.clone(), &answer).await;
    let small = answered(&world, higher.clone(), &answer).await;
    for (caller, blocks, opens) in [
        (&milder, &large, true),
        (&higher, &large, false),
        (&higher, &small, true),
        (&milder, &small, false),
    ] {
        let seen = forwarded(&world, caller.clone(), &next_turn(blocks)).await;
        assert_eq!(seen.contains("Sum "), opens, "{seen}");
    }
}

// Break it: take out the block alone.
#[tokio::test(start_paused = true)]
async fn a_message_that_would_be_left_without_a_block_is_left_out() {
    let world = world();
    let bad = json!({"type": "thinking", "thinking": "", "signature": format!("{PREFIX}AAAA")});
    for (blocks, expected) in [
        (vec![bad.clone()], None),
        (vec![bad.clone(), bad.clone()], None),
        (vec![bad.clone(), json!({"type": "text", "text": "17"}), bad.clone()], Some(1)),
        (vec![json!({"type": "text", "text": "17"}), bad.clone(), bad.clone()], Some(1)),
    ] {
        let seen = read_json(&forwarded(&world, alice(), &next_turn(&blocks)).await);
        let messages = seen["messages"].as_array().unwrap();
        let of_model = messages.iter().find(|it| it["role"] == "assistant");
        let left = of_model.map(|it| it["content"].as_array().unwrap().len());
        assert_eq!(left, expected, "{seen}");
        assert_eq!(messages.len(), 2 + usize::from(expected.is_some()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_may_refuse_what_does_not_open() {
    let world = world_of("reasoning = { keep = \"none\", seal = { unopened = \"refuse\" } }");
    let bad = json!({"type": "thinking", "thinking": "", "signature": format!("{PREFIX}AAAA")});
    let body = next_turn(&[bad, json!({"type": "text", "text": "17"})]);
    let answer = world.call(request(alice(), MESSAGES, Script::whole(&body))).await;
    assert_eq!(answer.status(), 400);
    let text = read(answer.into_body()).await.text();
    let error = read_json(&text);
    assert_eq!(error["error"]["type"], "invalid_request_error");
    assert!(text.contains("Invalid `signature` in `thinking` block"), "{text}");
    assert!(world.upstream.seen().is_empty());
    // Of those who have reached no grade nothing is refused.
    let seen = forwarded(&world, caller("alice", None, 0.1), &body).await;
    assert!(!seen.contains(PREFIX));
}

/// Whoever could have a blob opened anywhere else would read it.
// Break it: open whatever looks like a blob.
#[tokio::test(start_paused = true)]
async fn a_blob_opens_in_its_own_place_only() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let (blob, block) = (&got[0]["signature"], &got[0]);
    let of = |role: &str, content: Value| {
        json!({"model": "m", "messages": [{"role": role, "content": content}]}).to_string()
    };
    for body in [
        of("user", blob.clone()),
        of("user", json!([{"type": "text", "text": blob}])),
        of("user", json!([block])),
        of("system", json!([block])),
        of("assistant", json!([{"type": "text", "text": blob, "signature": blob}])),
        of("assistant", json!([{"type": "tool_use", "id": "t", "name": "n", "input": block}])),
        of("user", json!([{"type": "tool_result", "tool_use_id": "t", "content": [block]}])),
        of("assistant", json!([{"type": "thinking", "thinking": blob, "signature": "x"}])),
        json!({"model": "m", "system": [block], "messages": []}).to_string(),
        json!({"model": "m", "messages": [], "metadata": {"user_id": blob}}).to_string(),
        of("user", json!([block]))
            .replace("\"role\":\"user\"", "\"role\":\"assistant\",\"role\":\"user\""),
    ] {
        let seen = forwarded(&world, caller("alice", None, 0.1), &body).await;
        assert_eq!(seen, body);
    }
    // Nobody knows what a block says that says something twice.
    let twice = next_turn(&got).replace("\"thinking\":\"\"", "\"thinking\":\"\",\"thinking\":\"\"");
    let seen = forwarded(&world, alice(), &twice).await;
    assert!(!seen.contains("Sum ") && !seen.contains(PREFIX), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn nothing_opens_for_what_only_counts_tokens() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    for score in [0.1, 0.9] {
        let caller = caller("alice", None, score);
        let path = "/v1/messages/count_tokens";
        let seen = sent_to(&world, path, caller, &next_turn(&got)).await;
        assert!(!seen.contains("Sum ") && !seen.contains(PREFIX), "{seen}");
        assert_eq!(read_json(&seen)["messages"][1]["content"], json!([got[1]]));
    }
}

// Break it: leave the conversation out of what is bound, or hash all of its messages.
#[tokio::test(start_paused = true)]
async fn a_policy_may_bind_it_to_the_conversation_that_begins_so() {
    let world = world_of("reasoning = { keep = \"none\", seal = { bind = \"conversation\" } }");
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let mut fork = read_json(&next_turn(&got));
    fork["system"] = "Be brief.".into();
    fork["tools"] = json!([{"name": "add", "input_schema": {}}]);
    fork["messages"][2] = json!({"role": "user", "content": "Never mind. 3 and 4?"});
    for (body, opens) in [
        (next_turn(&got), true),
        (fork.to_string(), true),
        (next_turn(&got).replace("9 and 8?", "9 and 8? "), false),
        (next_turn(&got).replace("9 and 8?", "A summary of what came before."), false),
    ] {
        let seen = forwarded(&world, alice(), &body).await;
        assert_eq!(seen.contains("Sum "), opens, "{seen}");
        assert!(!seen.contains(PREFIX));
    }
}

#[tokio::test(start_paused = true)]
async fn without_that_it_opens_in_another_conversation_of_the_same_principal() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let body = next_turn(&got).replace("9 and 8?", "A summary of what came before.");
    assert!(forwarded(&world, alice(), &body).await.contains("Sum "));
}

/// As after a restart, on another replica, or from a disk.
#[tokio::test(start_paused = true)]
async fn any_process_with_the_same_secret_opens_it_and_with_the_one_before() {
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world(), alice(), &answer).await;
    let again = world();
    assert!(forwarded(&again, alice(), &next_turn(&got)).await.contains("Sum "));
    let rotated = world_with(SEAL, |builder| {
        builder.secret([8; 32]).previous_secrets([Secret::new([9; 32]), Secret::new(SECRET)])
    });
    assert!(forwarded(&rotated, alice(), &next_turn(&got)).await.contains("Sum "));
    // What is sealed now is sealed with the new one.
    let got = answered(&rotated, alice(), &answer).await;
    let seen = forwarded(&world(), alice(), &next_turn(&got)).await;
    assert!(!seen.contains("Sum ") && !seen.contains(PREFIX));
    let over = world_with(SEAL, |builder| builder.secret([8; 32]));
    assert!(forwarded(&over, alice(), &next_turn(&got)).await.contains("Sum "));
}

// Break it: look into no body where the policy no longer seals.
#[tokio::test(start_paused = true)]
async fn it_still_opens_in_a_process_whose_policy_no_longer_seals() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let handle = world.layer.handle();
    handle.replace(handle.settings(policy("reasoning = { keep = \"none\" }"))).unwrap();
    for score in [0.1, 0.9] {
        let caller = caller("alice", None, score);
        assert!(forwarded(&world, caller, &next_turn(&got)).await.contains("Sum "));
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_of_blobs_are_opened_up_to_a_bound_and_the_rest_left_out() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let got = answered(&world, alice(), &answer).await;
    let many: Vec<Value> =
        std::iter::repeat_n(got[0].clone(), 5000).chain([got[1].clone()]).collect();
    let seen = read_json(&forwarded(&world, alice(), &next_turn(&many)).await);
    let content = seen["messages"][1]["content"].as_array().unwrap();
    assert_eq!(content.len(), 4096 + 1);
    assert!(content.iter().all(|it| it["signature"] == SIGNATURE || *it == got[1]));
}

#[tokio::test(start_paused = true)]
async fn a_blob_that_is_cut_flipped_or_spliced_is_left_out() {
    let world = world();
    let answer = message(&format!("{},{CALL}", thinking(Some(SIGNATURE))));
    let one = answered(&world, alice(), &answer).await;
    let other = answered(&world, alice(), &answer).await;
    let [one_blob, other_blob] = [&one, &other].map(|it| it[0]["signature"].as_str().unwrap());
    assert_ne!(one_blob, other_blob);
    let middle = one_blob.len() / 2;
    let flipped = |at: usize| {
        let (before, behind) = one_blob.split_at(at);
        let with = if behind.starts_with('A') { "B" } else { "A" };
        format!("{before}{with}{}", behind.split_at(1).1)
    };
    let (first, _) = one_blob.split_at(middle);
    let (_, second) = other_blob.split_at(middle);
    let mut wrong = vec![
        one_blob.split_at(one_blob.len() - 4).0.to_owned(),
        first.to_owned(),
        PREFIX.to_owned(),
        format!("{one_blob}AAAA"),
        format!("{first}{second}"),
        format!("{one_blob}!"),
    ];
    wrong.extend((12..one_blob.len()).step_by(11).map(flipped));
    for blob in wrong {
        let mut blocks = one.clone();
        blocks[0]["signature"] = blob.clone().into();
        let seen = forwarded(&world, caller("alice", None, 0.2), &next_turn(&blocks)).await;
        assert_eq!(read_json(&seen)["messages"][1]["content"], json!([one[1]]), "{blob}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_holds_no_blob_goes_on_as_it_came() {
    let world = world();
    let mut native = blocks(&message(&format!("{},{CALL}", thinking(Some(SIGNATURE)))));
    native[0]["thinking"] = "GuilSealed is a word".into();
    let body = next_turn(&native).replace(',', " ,\n");
    assert_eq!(forwarded(&world, caller("alice", None, 0.2), &body).await, body);
    // And the answer is not touched.
    let answer = message(&thinking(Some(SIGNATURE)));
    let asked = request(caller("alice", None, 0.2), MESSAGES, Script::whole(first_turn()));
    let got: Response<_> = {
        world.upstream.answer(document(&answer));
        world.call(asked).await
    };
    assert_eq!(read(got.into_body()).await.text(), answer);
}
