//! Withheld means withheld, wherever an answer is cut: the generator of `withheld`, at every split.

use proptest::prelude::*;
use proptest::sample::select;

use super::rendered::*;
use super::support::*;
use super::withheld::{CANARY, DIALECTS, SECRET, worded};

/// Few enough that every split of every dialect is tried.
const SHORT: &str = "Zq qz.";

/// What falls short in a stream of these pieces, if anything does.
async fn fault(member: Member, template: bool, pieces: &[String]) -> Option<String> {
    let reason = if member.messages() { "end_turn" } else { "stop" };
    let body = member.pieces(pieces, reason);
    let out = answered("none", ask(member, template, true), stream([data(&body)])).await;
    let (copies, all) = texts(member, &out);
    let told = all.contains(['z', 'q', 'Z', 'Q']);
    let lost = copies.iter().any(|copy| copy.matches(CANARY).count() != 1);
    (told || lost).then(|| format!("{member:?} {pieces:?}: {all}"))
}

/// The text up to each cut, as deltas or as all so far.
fn cut(text: &str, cuts: &[usize], member: Member) -> Vec<String> {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let mut ends: Vec<usize> = cuts.iter().map(|cut| places[cut % places.len()]).collect();
    ends.push(text.len());
    ends.sort_unstable();
    ends.dedup();
    ends.retain(|end| *end > 0);
    let whole = member == Member::Message;
    let starts = [0].into_iter().chain(ends.iter().copied()).collect::<Vec<_>>();
    let pieces = starts.iter().zip(&ends);
    pieces
        .map(|(start, end)| text.get(if whole { 0 } else { *start }..*end).unwrap().to_owned())
        .collect()
}

// Break it: in `Inline::answer`, decide at the end of a piece; in `derived::any_closing`, take what is
// cut for no closing.
#[tokio::test(start_paused = true)]
async fn a_short_answer_tells_nothing_at_any_split() {
    let (mut fallen, mut of) = (Vec::new(), 0);
    for dialect in DIALECTS {
        let (text, template) = worded(dialect, SHORT);
        for (split, _) in text.chars().enumerate().skip(1) {
            let members = [Member::Delta, Member::Block, Member::Message];
            for member in members.into_iter().cycle().skip(split).take(1 + split % 2) {
                of += 1;
                fallen.extend(fault(member, template, &cut(&text, &[split], member)).await);
            }
        }
    }
    assert_none(&fallen, of);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    // Break it: forget what is undecided between two pieces.
    #[test]
    fn an_answer_tells_nothing_however_often_it_is_split(
        dialect in select(DIALECTS.to_vec()),
        member in select(vec![Member::Delta, Member::Parts, Member::Message, Member::Block]),
        cuts in proptest::collection::vec(0..400_usize, 0..12),
    ) {
        let (text, template) = worded(dialect, SECRET);
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        let fault = runtime.block_on(fault(member, template, &cut(&text, &cuts, member)));
        prop_assert_eq!(fault, None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    // Break it: end a text in a document otherwise than in a stream.
    #[test]
    fn a_document_says_what_a_stream_of_the_same_text_does(
        before in select(vec!["", "<think>", "Sure. <think>"]),
        text in "(Zq qz\\. |zq|\n|<think>|</think>|<think> | |`|```\n|``` |</thinking>|It is 12\\.|and ){1,9}",
        keep in select(vec!["none", "conclusion", "words"]),
        cuts in proptest::collection::vec(0..60_usize, 0..8),
        reason in select(vec!["stop", "length"]),
    ) {
        // Of a text that is there as a whole a closing tells that nothing opened.
        prop_assume!(text.matches("</").count() <= usize::from(!before.is_empty()));
        let text = before.to_owned() + &text;
        let keep = match keep {
            "words" => "{ words = 2 }".to_owned(),
            keep => format!("\"{keep}\""),
        };
        let plan = format!("reasoning = {{ keep = {keep}, opened_by_template = [\"qwq*\"], signed = \"seal\" }}");
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        let said = |body: String, streams: bool| {
            let response = if streams { stream([data(&body)]) } else { json(&body) };
            let world = World::new(policy(&plan));
            let asks = ask(Member::Delta, true, streams);
            let out = runtime.block_on(async { world.exchange(asks, response).await.text() });
            texts(Member::Delta, &out).0.concat()
        };
        let pieces = cut(&text, &cuts, Member::Delta);
        // A piece that begins with all before it may also say all of the text so far, and then only
        // what is the same in either reading goes out.
        let so_far = (1..pieces.len()).any(|of| pieces[of].starts_with(&pieces[..of].concat()));
        prop_assume!(!so_far);
        let whole = said(Member::Delta.document(&text, reason), false);
        let streamed = said(Member::Delta.pieces(&pieces, reason), true);
        prop_assert_eq!(streamed, whole, "{:?} {:?}", text, pieces);
    }
}
