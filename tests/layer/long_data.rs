//! Pictures and files in answers: longer than what may be held, and no text.

use guilloche::audit::Outcome;
use guilloche::layer::Caps;
use http::Response;

use super::support::*;

const KIB: usize = 1 << 10;
const CLOSE: &str = "side_channels = {}";
const WITHHOLD_ALL: &str = "side_channels = {}\nreasoning = { keep = \"none\" }";
const HIDE: &str = "side_channels = {}\n\
                    downgrade = { models = { \"*\" = \"m-small\" }, disclose = false }";

/// What an answer may hold at once is a sixth of its picture.
fn caps() -> Caps {
    let held = 512 * KIB;
    Caps { event: 64 * KIB, document: 64 * KIB, held, held_by_principal: held, ..Caps::default() }
}

fn world(grade: &str) -> World {
    World::with(policy(grade), |builder| builder.caps(caps()))
}

/// Base64 with the name of a model in it.
fn picture() -> String {
    "iVBORw0K/+A9+m-small/".repeat(150 * KIB)
}

fn image(url: &str) -> String {
    format!(r#"{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{url}"}}}}"#)
}

fn chunk(delta: &str, choice: &str, top: &str) -> String {
    format!(
        "data: {{\"id\":\"c\",\"model\":\"m-small\",\"choices\":[{{\"index\":0,\"delta\":{{{delta}}}{choice}}}]{top}}}\n\n"
    )
}

fn pieces(text: &str, length: usize) -> Vec<Step> {
    text.as_bytes().chunks(length).map(data).collect()
}

/// Reads an answer; the most that was held meanwhile.
async fn watch(world: &World, mut answer: Answer) -> (String, usize, bool) {
    let (mut text, mut most) = (String::new(), 0);
    loop {
        match next(&mut answer).await {
            Some(Ok(frame)) => {
                text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
            }
            Some(Err(_)) => return (text, most, true),
            None => return (text, most, false),
        }
        most = most.max(world.layer.handle().held());
    }
}

async fn exchange(world: &World, answer: Response<Script>, asks: bool) -> (String, usize, bool) {
    world.upstream.answer(answer);
    let answer = world.call(if asks { messages() } else { chat() }).await;
    watch(world, answer).await
}

/// Fails when a picture is held to the end of its event: then there is no room for this one.
#[tokio::test(start_paused = true)]
async fn a_picture_that_is_longer_than_what_may_be_held_passes_in_a_stream() {
    let images =
        |first: &str, second: &str| format!("\"images\":[{},{}]", image(first), image(second));
    let long = picture();
    let tool = format!(
        r#","index":1,"content_block":{{"type":"web_fetch_tool_result","content":{{"source":{{"type":"base64","media_type":"application/pdf","data":"{long}"}},"title":"A b"}}}}"#
    );
    let tool = event("content_block_start", &tool);
    for grade in [CLOSE, WITHHOLD_ALL, HIDE] {
        let leak = r#","logprobs":{"content":[]}"#;
        let first = format!("\"role\":\"assistant\",\"content\":\"\",{}", images(&long, &long));
        let sent = chunk(&first, leak, r#","x_new":"y""#)
            + &chunk("\"content\":\"b\"", "", "")
            + STOP
            + DONE;
        let mut expected = sent
            .replace(r#""logprobs":{"content":[]}"#, r#""logprobs":null"#)
            .replace(r#""x_new":"y""#, r#""x_new":null"#);
        if grade == HIDE {
            expected = expected.replace("\"model\":\"m-small\"", "\"model\":\"m\"");
        }
        for length in [1000, 16 * KIB, 100_003] {
            let world = world(grade);
            let (text, most, failed) = exchange(&world, stream(pieces(&sent, length)), false).await;
            assert!(!failed && text == expected, "{grade} {length}");
            assert!(most < 400 * KIB, "{grade} {length}: {most}");
            let (text, most, failed) = exchange(&world, stream(pieces(&tool, length)), true).await;
            assert!(!failed && text == tool, "{grade} {length}");
            assert!(most < 400 * KIB, "{grade} {length}: {most}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_picture_that_is_longer_than_what_may_be_held_passes_in_a_document() {
    let long = picture();
    let document = |content: &str| {
        format!(
            r#"{{"id":"1","choices":[{{"index":0,"message":{{"content":{content},"images":[{}]}},"logprobs":{{"content":["a"]}},"finish_reason":"stop"}}]}}"#,
            image(&long)
        )
    };
    let recording = format!(
        r#"{{"choices":[{{"index":0,"message":{{"content":null,"audio":{{"id":"a","data":"{long}","transcript":"<think>zebra</think>four"}}}},"finish_reason":"stop"}}]}}"#
    );
    let tool = format!(
        r#"{{"type":"message","role":"assistant","content":[{{"type":"text","text":"a"}},{{"type":"mcp_tool_result","tool_use_id":"t","content":[{{"type":"image","source":{{"type":"base64","data":"{long}"}}}}]}}],"stop_reason":"end_turn"}}"#
    );
    let leak = |text: &str| text.replace(r#""logprobs":{"content":["a"]}"#, r#""logprobs":null"#);
    for (grade, asks, sent, expected) in [
        (CLOSE, false, document("\"a\""), leak(&document("\"a\""))),
        (CLOSE, true, tool.clone(), tool),
        (WITHHOLD_ALL, false, document("null"), leak(&document("null"))),
        (WITHHOLD_ALL, false, recording.clone(), recording.replace("zebra", "")),
    ] {
        for length in [1000, 100_003] {
            let mut answer = json("");
            *answer.body_mut() = Script::new(pieces(&sent, length));
            let (text, most, failed) = exchange(&world(grade), answer, asks).await;
            let end = text.get(text.len().saturating_sub(150)..).unwrap();
            assert!(!failed && text == expected, "{grade} {length} … {end}");
            assert!(most < 400 * KIB, "{grade} {length}: {most}");
        }
    }
}

/// The picture as encoders of JSON and of mail write it, behind what stands before it in a `url`.
fn spellings() -> Vec<String> {
    let data = picture();
    let lines = |length: usize, end: &str| {
        let lines = data.as_bytes().chunks(length).map(|line| std::str::from_utf8(line).unwrap());
        lines.map(|line| format!("{line}{end}")).collect::<String>()
    };
    vec![
        data.replace('+', r"\u002B").replace('/', r"\u002F") + r"AA\u003D\u003D",
        lines(76, r"\r\n"),
        lines(60, r"\n"),
        lines(64, r"\u000a").replace('/', r"\/"),
    ]
}

/// Fails when an escape or the end of a line ends the data.
#[tokio::test(start_paused = true)]
async fn a_picture_passes_however_its_base64_is_written() {
    for long in spellings() {
        let plain = format!("\"data:image/png;base64,{long}\"");
        let images = format!("\"images\":[{},{}]", image(&long), image("QUJD"));
        let plain = chunk(&format!("\"images\":[{plain}]"), "", "");
        let sent = chunk(&images, "", "") + &plain + STOP + DONE;
        let document = format!(
            r#"{{"choices":[{{"index":0,"message":{{"content":"a","images":[{}]}},"finish_reason":"stop"}}]}}"#,
            image(&long)
        );
        for length in [997, 100_003] {
            let name = long.get(15..40).unwrap();
            let world = world(WITHHOLD_ALL);
            let (text, most, failed) = exchange(&world, stream(pieces(&sent, length)), false).await;
            assert!(!failed && text == sent, "{name} {length}");
            assert!(most < 400 * KIB, "{name} {length}: {most}");
            let mut answer = json("");
            *answer.body_mut() = Script::new(pieces(&document, length));
            let (text, most, failed) = exchange(&self::world(CLOSE), answer, false).await;
            assert!(!failed && text == document, "{name} {length}");
            assert!(most < 400 * KIB, "{name} {length}: {most}");
        }
    }
}

/// What an event says of its beginning only at its end cannot be foreseen: then it is held, within
/// what may be held, or the answer breaks. Fails when text goes out that is withheld.
#[tokio::test(start_paused = true)]
async fn text_that_is_withheld_does_not_pass_for_a_picture_or_beside_one() {
    let long = "iVBORw0K/+A9".repeat(20 * KIB);
    let secret = "emVicmE";
    let image = image(&long);
    for (asks, sent) in [
        // Data that turns out to be text.
        (false, chunk(&format!("\"images\":[{}]", image.replace("A9\"", "A9 zebra\"")), "", "")),
        (
            false,
            chunk(&format!("\"images\":[{}]", image.replace("A9\"", "A9\\u0020zebra\"")), "", ""),
        ),
        (
            false,
            chunk(
                &format!("\"images\":[{}]", image.replace("A9\"", "A9\\nis\\nzebra\\nso\"")),
                "",
                "",
            ),
        ),
        // Reasoning as base64 in members that hold text, or that nobody knows.
        (false, chunk(&format!("\"reasoning_content\":\"{long}{secret}\""), "", "")),
        (false, chunk(&format!("\"x\":{{\"data\":\"{long}{secret}\"}}"), "", "")),
        (false, chunk("\"content\":\"a\"", "", &format!(",\"data\":\"{long}{secret}\""))),
        // Reasoning before and behind a picture.
        (false, chunk(&format!("\"reasoning_content\":\"zebra\",\"images\":[{image}]"), "", "")),
        (false, chunk(&format!("\"images\":[{image}],\"reasoning_content\":\"zebra\""), "", "")),
        (
            false,
            chunk(
                &format!("\"images\":[{image}],\"content\":\"<think>zebra\""),
                ",\"finish_reason\":\"stop\"",
                "",
            ),
        ),
        (false, chunk(&format!("\"images\":[{image}],\"images\":[\"zebra \"]"), "", "")),
        (false, chunk(&format!("\"images\":[{image},\"zebra zebra\"]"), "", "")),
        // What the type says comes too late.
        (
            true,
            event(
                "content_block_start",
                &format!(
                    r#","index":1,"content_block":{{"content":{{"data":"{long}"}},"text":"zebra","type":"thinking"}}"#
                ),
            ),
        ),
        (
            true,
            event(
                "content_block_start",
                &format!(
                    r#","index":1,"content_block":{{"type":"image","content":{{"data":"{long}"}},"type":"thinking","thinking":"zebra"}}"#
                ),
            ),
        ),
        (
            true,
            event(
                "content_block_start",
                &format!(
                    r#","index":1,"content_block":{{"type":"thinking","data":"{long}{secret}"}}"#
                ),
            ),
        ),
        (
            true,
            event(
                "content_block_delta",
                &format!(r#","index":1,"delta":{{"type":"text_delta","data":"{long}{secret}"}}"#),
            ),
        ),
    ] {
        for length in [999, 20_000] {
            let world = world(WITHHOLD_ALL);
            let sent = sent.clone() + if asks { "" } else { DONE };
            let (text, ..) = exchange(&world, stream(pieces(&sent, length)), asks).await;
            let told = text.contains("zebra") || text.contains(secret);
            assert!(
                !told,
                "{} … {}",
                sent.get(..150).unwrap(),
                sent.get(sent.len() - 90..).unwrap()
            );
        }
    }
}

/// Fails when a client takes what has come for a whole event, or reads the error as a part of it.
#[tokio::test(start_paused = true)]
async fn a_picture_that_breaks_off_ends_in_the_error_event() {
    let long = picture();
    let sent = chunk(&format!("\"images\":[{}]", image(&long)), "", "");
    for cut in [sent.len() / 2, sent.len() / 2 + 1, sent.len() - 20] {
        let world = world(WITHHOLD_ALL);
        let mut steps = pieces(sent.get(..cut).unwrap(), 10_000);
        // Nothing else may go out in the middle of an event.
        steps.extend([wait(100), Step::Fail]);
        let (text, _, failed) = exchange(&world, stream(steps), false).await;
        assert!(failed);
        let events: Vec<&str> = text.split_terminator("\n\n").collect();
        let [broken, error] = events.as_slice() else { panic!("{} events", events.len()) };
        for event in [broken, error] {
            let payload = event.strip_prefix("data: ").unwrap();
            serde_json::from_str::<serde_json::Value>(payload).unwrap();
        }
        assert!(error.contains("\"error\""), "{error}");
        assert_eq!(world.records.only().outcome, Outcome::UpstreamError);
    }
}

/// Pictures of a model whose thoughts go out sealed: what was thought goes out before one, which is then
/// held no more.
// Break it: hold every event that could carry a blob.
#[tokio::test(start_paused = true)]
async fn a_picture_passes_behind_thoughts_that_go_out_sealed() {
    let part = |part: &str| {
        format!(
            "{{\"candidates\":[{{\"content\":{{\"parts\":[{part}],\"role\":\"model\"}},\"index\":0}}]}}"
        )
    };
    let image =
        format!("{{\"inlineData\":{{\"mimeType\":\"image/png\",\"data\":\"{}\"}}}}", picture());
    let chunks = [
        part("{\"text\":\"zebra and \",\"thought\":true}"),
        part("{\"text\":\"zebras\",\"thought\":true}"),
        part(&image),
        part("{\"text\":\"more zebras\",\"thought\":true}"),
        part(&image),
        part("{\"text\":\"So.\"}"),
        "{\"candidates\":[{\"finishReason\":\"STOP\",\"index\":0}]}".to_owned(),
    ];
    let events: String = chunks.iter().map(|it| format!("data: {it}\n\n")).collect();
    let array = format!("[{}]", chunks.join("\n,\r\n"));
    let seal = "reasoning = { keep = \"none\", seal = { bucket = 256 } }";
    let body = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]}";
    for (path, sent) in [(GEMINI, events), (GEMINI.split_once('?').unwrap().0, array)] {
        for length in [1000, 16 * KIB, 100_003] {
            let world = world(seal);
            let mut answer = if path == GEMINI { stream([]) } else { json("") };
            *answer.body_mut() = Script::new(pieces(&sent, length));
            world.upstream.answer(answer);
            let asked = request(caller("alice", None, 0.9), path, Script::whole(body));
            let (text, most, failed) = watch(&world, world.call(asked).await).await;
            assert!(!failed && most < 400 * KIB, "{path} {length}: {most}");
            assert!(
                !text.contains("zebra") && text.matches(&image).count() == 2,
                "{path} {length}"
            );
            let at = |what: &str| text.match_indices(what).map(|(at, _)| at).collect::<Vec<_>>();
            let (blobs, images) = (at(PREFIX), at("inlineData"));
            assert!(blobs.len() == 2 && blobs[0] < images[0], "{path} {length}: {blobs:?}");
            assert!(images[0] < blobs[1] && blobs[1] < images[1], "{path} {length}: {blobs:?}");
            if path != GEMINI {
                let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(whole.as_array().unwrap().len(), 6, "{length}");
            }
        }
    }
}
