//! Promise 5: what fails in the middle never looks like an end.

use guilloche::audit::{Counter, Outcome};
use guilloche::layer::Caps;
use guilloche::policy::Countermeasure;

use super::support::*;

const CHAT_FAILED: &str = "data: {\"error\":{\"code\":\"bad_gateway\",\"message\":\"the upstream \
                           failed in the middle of its answer\",\"param\":null,\
                           \"type\":\"server_error\"}}\n\n";
const MESSAGES_FAILED: &str = "event: error\ndata: {\"error\":{\"message\":\"the upstream failed \
                               in the middle of its answer\",\"type\":\"api_error\"},\
                               \"type\":\"error\"}\n\n";

fn small() -> Caps {
    Caps { document: 200, event: 200, ..Caps::default() }
}

async fn fails_with(steps: Vec<Step>, out: &str) {
    let world = World::with(policy(WITHHOLD), |builder| builder.caps(small()));
    let read = world.exchange(chat(), stream(steps)).await;
    assert_eq!(read.text(), out.to_owned() + CHAT_FAILED);
    assert!(read.failed && read.trailers.is_none());
    assert_eq!(world.records.only().outcome, Outcome::UpstreamError);
}

/// Fails when `Reading::take` takes an error for an end.
#[tokio::test(start_paused = true)]
async fn a_stream_whose_upstream_fails_ends_with_the_protocols_error_and_then_fails() {
    fails_with(vec![data(says("a")), data("data: {\"cho"), Step::Fail], &says("a")).await;
    fails_with(vec![Step::Fail], "").await;

    let world = World::new(policy(WITHHOLD));
    let text = |text: &str| {
        let delta = format!(r#","index":0,"delta":{{"type":"text_delta","text":"{text}"}}"#);
        event("content_block_delta", &delta)
    };
    let answer = stream([data(text("a")), Step::Fail]);
    let read = world.exchange(messages(), answer).await;
    assert_eq!(read.text(), text("a") + MESSAGES_FAILED);
    assert!(read.failed);
}

/// Text that came before the failure goes out, whether or not it came in the same frame. Fails
/// when `Reading::advance` gives up what it has.
#[tokio::test(start_paused = true)]
async fn what_came_before_the_failure_goes_out_before_the_error() {
    let broken = "data: {\"choices\"\n\n";
    fails_with(vec![data(says("a") + &says("b") + broken)], &(says("a") + &says("b"))).await;
    fails_with(vec![data(says("a") + broken)], &says("a")).await;
    let long = "x".repeat(201);
    fails_with(vec![data(says("a") + &says("b") + &long)], &(says("a") + &says("b"))).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_over_the_cap_fails_the_stream() {
    fails_with(vec![data(says("a")), data(says(&"b".repeat(200)))], &says("a")).await;
    fails_with(vec![data(says("a")), data("data: "), data("b".repeat(200))], &says("a")).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_fails_the_stream() {
    fails_with(vec![data(says("a")), data("data: {\n\n"), data(DONE)], &says("a")).await;
    // Also at the end, where it has no blank line behind it.
    fails_with(vec![data(says("a")), data("data: {\"choices\":[")], &says("a")).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_is_passed_where_the_policy_says_so() {
    let world = World::new(policy_with("enforce", "on_opaque = \"pass\"", WITHHOLD));
    let odd = says("a") + "data: odd\n\n" + DONE;
    assert_eq!(world.exchange(chat(), stream([data(&odd)])).await.text(), odd);
}

/// Nothing has left of a document before all of it has come, so its client is told properly. Fails
/// when `Document::push` stops collecting at the cap, `finish` passes what it cannot read, or the head
/// goes before.
#[tokio::test(start_paused = true)]
async fn a_document_that_fails_is_a_502() {
    for (steps, again) in [
        (vec![data("{\"choices\":"), Step::Fail], true),
        (vec![Step::Fail], true),
        (vec![data("x".repeat(201))], false),
        (vec![data("{\"choices\":["), data(" ".repeat(200)), Step::Hang], false),
        (vec![data("{\"choices\":[}")], false),
        (vec![data("{\"choices\":[}"), Step::Trailers(trailers())], false),
    ] {
        let world = World::with(policy(WITHHOLD), |builder| builder.caps(small()));
        let mut answer = json("");
        *answer.body_mut() = Script::new(steps);
        world.upstream.answer(answer);
        let answer = world.call(chat()).await;
        assert_eq!(answer.status(), 502);
        // What would fail again is not to be asked for again by the client's library.
        assert_eq!(answer.headers().contains_key("x-should-retry"), !again);
        let read = read(answer.into_body()).await;
        assert!(read.text().contains("the upstream failed in the middle"), "{}", read.text());
        assert!(!read.failed && read.trailers.is_none());
        let record = world.records.only();
        assert_eq!((record.outcome, record.status), (Outcome::UpstreamError, Some(502)));
    }
}

/// Some servers keep the connection open with white space: the head goes with it.
#[tokio::test(start_paused = true)]
async fn a_document_that_fails_behind_white_space_is_broken_off() {
    let world = World::with(policy(WITHHOLD), |builder| builder.caps(small()));
    let mut answer = json("");
    *answer.body_mut() = Script::new([data("\n {\"choices\":"), Step::Fail]);
    let read = world.exchange(chat(), answer).await;
    assert_eq!(read.text(), "\n ");
    assert!(read.failed && read.trailers.is_none());
    assert_eq!(world.records.only().outcome, Outcome::UpstreamError);
}

const CLOSE: &str = "side_channels = {}";

/// Where nothing is withheld, a line that nobody can read does not break a stream that is only read
/// for its side channels; the audit tells of it.
#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_passes_where_only_side_channels_are_closed() {
    let probable = "\"content\":\"a\",\"logprob\":1";
    let emptied = "\"content\":\"a\",\"logprob\":null";
    for odd in ["data: odd\n\n", "error: {\"code\":500}\n\n", "data: {\"choices\n\n"] {
        let world = World::new(policy(CLOSE));
        let sent = odd.to_owned() + &delta(probable) + DONE;
        let read = world.exchange(chat(), stream([data(&sent)])).await;
        assert_eq!(read.text(), odd.to_owned() + &delta(emptied) + DONE);
        assert!(!read.failed);
        let applied = world.records.only().applied;
        assert_eq!(count(&applied, Countermeasure::SideChannels, Counter::EventsUnread), 1);
    }
    // The part that can be read is read all the same.
    let world = World::new(policy(CLOSE));
    let sent = format!("error: x\n{}", delta(probable));
    let read = world.exchange(chat(), stream([data(&sent)])).await;
    assert_eq!(read.text(), format!("error: x\n{}", delta(emptied)));
}

/// No client reads a field under a name of its server's own, and `null` says nothing. Fails when either
/// breaks a stream, or goes out where it may say what is withheld.
#[tokio::test(start_paused = true)]
async fn what_no_client_reads_breaks_no_stream() {
    let spoken = says("a");
    for grade in [CLOSE, WITHHOLD] {
        for (odd, closed) in [
            ("thought: zebra\n\n", 1),
            ("x-trace-id:zebra\nfoo: zebra\n\n", 1),
            ("data: null\n\n", 0),
            ("data:  null \n\n", 0),
        ] {
            let world = World::new(policy(grade));
            let sent = odd.to_owned() + &spoken + STOP + DONE;
            let read = world.exchange(chat(), stream([data(&sent)])).await;
            let expected = spoken.clone() + STOP + DONE;
            assert_eq!((read.text(), read.failed), (expected, false), "{grade} {odd}");
            let applied = world.records.only().applied;
            let by = Countermeasure::SideChannels;
            assert_eq!(count(&applied, by, Counter::FieldsStripped), closed, "{odd}");
            assert_eq!(count(&applied, by, Counter::EventsUnread), 0, "{odd}");
        }
        // Beside text that is read.
        let world = World::new(policy(grade));
        let sent = format!("foo: zebra\n{spoken}{STOP}data: [done]\n\n");
        let read = world.exchange(chat(), stream([data(&sent)])).await;
        let expected = format!("{spoken}{STOP}data: [done]\n\n");
        assert_eq!((read.text(), read.failed), (expected, false), "{grade}");
    }
    // A whole stream that only some clients read is not taken for nothing.
    for odd in [
        "Data: {}\ndata: {}",
        "Data: odd",
        "error: {}",
        "foo\n{\"choices\":[]}",
        "foo",
        "data: undefined",
    ] {
        let world = World::new(policy(WITHHOLD));
        let sent = format!("{odd}\n\n{spoken}{STOP}{DONE}");
        assert!(world.exchange(chat(), stream([data(&sent)])).await.failed, "{odd}");
    }
}

/// Some clients take a line for data whatever stands before its name and in whichever case it is written.
/// Fails when such a line breaks a stream, or goes out as it came.
#[tokio::test(start_paused = true)]
async fn data_is_read_however_its_name_is_written() {
    let thinks = delta("\"reasoning_content\":\"zebra\"");
    for grade in [CLOSE, WITHHOLD] {
        for name in [" data: ", "Data: ", "DATA:", "\t Data:", " data:"] {
            let spell = |event: &str| event.replacen("data: ", name, 1);
            let sent: String = [&thinks, &says("a"), STOP, DONE].map(spell).concat();
            for length in [1, 7, sent.len()] {
                let world = World::new(policy(grade));
                let pieces = sent.as_bytes().chunks(length).map(data);
                let read = world.exchange(chat(), stream(pieces)).await;
                let text = read.text();
                assert!(!read.failed, "{name:?}: {text}");
                assert_eq!(text.contains("zebra"), grade == CLOSE, "{name:?}: {text}");
                assert!(text.contains(&spell(&says("a"))), "{name:?}: {text}");
                assert!(text.ends_with(&spell(DONE)), "{name:?}: {text}");
            }
        }
    }
}

/// Servers and gateways that do not stream answer so. Fails when the document breaks, or goes out unread.
#[tokio::test(start_paused = true)]
async fn a_document_under_the_type_of_a_stream_is_read_as_a_document() {
    let spoken = r#"{"choices":[{"index":0,"message":{"role":"assistant",
        "reasoning_content":"zebra","content":"It is 12."},"finish_reason":"stop"}]}"#;
    let blocks = r#"{"type":"message","role":"assistant","content":[
        {"type":"thinking","thinking":"zebra","signature":"s"},{"type":"text","text":"It is 12."}]}"#;
    for grade in [CLOSE, WITHHOLD] {
        for (asks, sent) in [(false, spoken), (true, blocks)] {
            for sent in [sent.to_owned(), format!("\n\n {sent}\n")] {
                let mut told = Vec::new();
                for length in [1, 5, sent.len()] {
                    let world = World::new(policy(grade));
                    let pieces = sent.as_bytes().chunks(length).map(data);
                    let asked = if asks { messages() } else { chat() };
                    let read = world.exchange(asked, stream(pieces)).await;
                    let text = read.text();
                    assert!(!read.failed, "{text}");
                    assert_eq!(text.contains("zebra"), grade == CLOSE, "{text}");
                    assert!(text.contains("It is 12."), "{text}");
                    serde_json::from_str::<serde_json::Value>(&text).unwrap();
                    told.push(text);
                }
                told.dedup();
                assert_eq!(told.len(), 1, "the same however it is cut: {told:?}");
            }
        }
    }
    // What is no document after all.
    for (grade, failed) in [(CLOSE, false), (WITHHOLD, true)] {
        let world = World::new(policy(grade));
        let read = world.exchange(chat(), stream([data("{zebra}\n\n")])).await;
        assert_eq!((read.failed, read.text().contains("zebra")), (failed, !failed));
    }
}

// Break it: read white space as it comes, before it is known what a body is; or look through all of it.
#[tokio::test(start_paused = true)]
async fn what_stands_behind_white_space_is_told_the_same_however_it_is_cut() {
    let blank = |length: usize| "\n ".chars().cycle().take(length).collect::<String>();
    let blanks = [0, 1, 2, 1022, 1023, 1024, 1025, 5000].map(blank);
    let event = says("It is 12.") + STOP + DONE;
    for grade in [CLOSE, WITHHOLD, "watermark = {}"] {
        for blank in &blanks {
            for rest in ["", "{}", "{\"choices\":[]}\n", &event] {
                let sent = format!("{blank}{rest}");
                let mut told = Vec::new();
                for length in [1, 3, 1023, 1024, sent.len().max(1)] {
                    let world = World::new(policy(grade));
                    let read = world
                        .exchange(chat(), stream(sent.as_bytes().chunks(length).map(data)))
                        .await;
                    told.push((read.text(), read.failed));
                }
                told.dedup();
                assert_eq!(
                    told.len(),
                    1,
                    "{grade}, {} bytes of white space: {told:?}",
                    blank.len()
                );
            }
        }
    }
}

/// vLLM and OpenRouter end Messages streams with the other protocol's terminator too.
#[tokio::test(start_paused = true)]
async fn a_terminator_of_the_other_protocol_ends_a_stream_and_does_not_break_it() {
    let stop = event("message_stop", "");
    for grade in [CLOSE, WITHHOLD] {
        let world = World::new(policy(grade));
        let sent = stop.clone() + DONE;
        let read = world.exchange(messages(), stream([data(&sent)])).await;
        assert_eq!((read.text(), read.failed), (sent, false));
        let sent = says("a") + STOP + &stop;
        let read = world.exchange(chat(), stream([data(&sent)])).await;
        assert_eq!((read.text(), read.failed), (sent, false));
    }
}

#[tokio::test(start_paused = true)]
async fn after_its_failure_a_body_has_ended() {
    let world = World::new(policy(WITHHOLD));
    world.upstream.answer(stream([data(says("a")), Step::Fail]));
    let mut answer = world.call(chat()).await;
    assert_eq!(next_text(&mut answer).await, says("a"));
    assert_eq!(next_text(&mut answer).await, CHAT_FAILED);
    assert!(!http_body::Body::is_end_stream(answer.body()));
    let error = next(&mut answer).await.unwrap().unwrap_err();
    assert!(error.is_upstream());
    assert!(http_body::Body::is_end_stream(answer.body()));
    assert!(next(&mut answer).await.is_none());
    assert_eq!(world.records.all().len(), 1);
}

/// An error that the upstream states itself is the client's, and no answer. What it says in words
/// may be the model's.
#[tokio::test(start_paused = true)]
async fn an_upstreams_own_error_event_is_told_in_fixed_words_and_recorded() {
    let world = World::new(policy(WITHHOLD));
    let error = "data: {\"error\":{\"code\":503,\"message\":\"a thought\"}}\n\n";
    let read = world.exchange(chat(), stream([data(says("<thi")), data(error), data(DONE)])).await;
    let told = error.replace("a thought", "The server had an error while processing the request.");
    assert_eq!(read.text(), says("<thi") + &told + DONE);
    assert!(!read.failed);
    let record = world.records.only();
    assert_eq!(record.outcome, Outcome::UpstreamError);
    assert_eq!(count(&record.applied, Countermeasure::Reasoning, Counter::WordsRemoved), 0);
}
