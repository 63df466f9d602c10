//! What is answered is written at once, paid for once, and within the cap.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use guilloche::ask::{Cap, Ended, Prices, Tokens, ask};
use guilloche::teacher::final_answer;
use guilloche::teacher::problem::Number;
use tokio::sync::oneshot;

use crate::support::{Directory, asked, completion, endpoint, questions, run, settings, teacher};

#[tokio::test]
async fn every_prompt_is_answered_once_and_written_as_a_record() {
    let directory = Directory::new("every_prompt");
    let (address, teacher) = teacher().await;
    let report = run(&settings(address, &directory), questions(5)).await.unwrap();
    assert_eq!((report.ended, report.answered, report.requests), (Ended::Done, 5, 5));
    assert_eq!(asked(&teacher), 5);
    let lines = directory.lines();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        let prompt = line["prompt"].as_str().unwrap();
        let apples: u64 = prompt.split(' ').find_map(|word| word.parse().ok()).unwrap();
        let answer = line["answer"].as_str().unwrap();
        assert_eq!(final_answer(answer), Some(Number::whole(apples as i64 + 5)));
        assert_eq!(line["model"], "teacher-large");
    }
    let output: u64 = lines.iter().map(|line| line["usage"]["output"].as_u64().unwrap()).sum();
    assert_eq!(report.spent.output, output);
}

#[tokio::test]
async fn a_run_that_was_stopped_goes_on_where_it_stopped_and_pays_for_nothing_twice() {
    let directory = Directory::new("stopped");
    let (address, teacher) = teacher().await;
    let settings = settings(address, &directory);
    let (stop, stopped) = oneshot::channel();
    let mut stop = Some(stop);
    let first = ask(&settings, questions(20), async { drop(stopped.await) }, |progress| {
        if progress.answered == 3 {
            stop.take().map(|stop| stop.send(()));
        }
    });
    let first = first.await.unwrap();
    assert_eq!(first.ended, Ended::Stopped);
    assert!((3..=6).contains(&first.answered), "{first:?}");
    assert_eq!(asked(&teacher) as u64, first.answered);

    let second = run(&settings, questions(20)).await.unwrap();
    assert_eq!(second.answered_before, first.answered);
    assert_eq!(second.answered + second.answered_before, 20);
    assert_eq!(asked(&teacher), 20);
    assert!(second.spent.total() > first.spent.total());

    let third = run(&settings, questions(20)).await.unwrap();
    assert_eq!((third.requests, third.answered_before, third.spent), (0, 20, second.spent));
    assert_eq!(asked(&teacher), 20);
}

#[tokio::test]
async fn a_line_that_a_crash_left_unfinished_is_asked_again_and_spoils_no_other() {
    let directory = Directory::new("torn");
    let (address, _) = teacher().await;
    let settings = settings(address, &directory);
    run(&settings, questions(3)).await.unwrap();
    let whole = fs::read_to_string(directory.answers()).unwrap();
    fs::write(directory.answers(), &whole[..whole.len() - 30]).unwrap();

    let report = run(&settings, questions(3)).await.unwrap();
    assert_eq!((report.answered_before, report.answered), (2, 1));
    let text = fs::read_to_string(directory.answers()).unwrap();
    let readable =
        text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
    assert_eq!(readable.count(), 3);
}

/// The cost of a request is not known to an endpoint's caller before the answer; the most that it
/// can be is set aside.
#[tokio::test]
async fn the_cap_is_never_passed_not_even_by_requests_under_way() {
    let directory = Directory::new("cap");
    let (served, tokens) = (Arc::new(AtomicU64::new(0)), 100);
    let counted = Arc::clone(&served);
    let address = endpoint(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move { completion("answer", tokens) }
    })
    .await;
    let mut settings = settings(address, &directory);
    settings.concurrency = 8;
    settings.cap.tokens = Some(3_000);
    let report = run(&settings, questions(50)).await.unwrap();
    assert_eq!(report.ended, Ended::Cap);
    assert!(report.spent.total() <= 3_000, "{report:?}");
    // A request sets aside its bytes, what a template may add, and 500 tokens of an answer, and
    // costs 200: from 2,200 on there may be no room for another.
    assert!(report.spent.total() >= 2_000, "{report:?}");
    assert_eq!(served.load(Ordering::Relaxed) * 200, report.spent.total());

    let again = run(&settings, questions(50)).await.unwrap();
    assert_eq!((again.ended, again.requests, again.spent), (Ended::Cap, 0, report.spent));
    settings.cap.tokens = Some(4_000);
    let more = run(&settings, questions(50)).await.unwrap();
    assert!(more.answered > 0 && more.spent.total() <= 4_000, "{more:?}");
}

#[tokio::test]
async fn a_cap_in_money_holds_too() {
    let directory = Directory::new("money");
    let address = endpoint(|_| async { completion("answer", 1_000) }).await;
    let mut settings = settings(address, &directory);
    settings.max_tokens = 1_000;
    let prices = Prices { input: 0.5, output: 2.0 };
    settings.cap = Cap { tokens: None, cost: Some((0.01, prices)) };
    let report = run(&settings, questions(50)).await.unwrap();
    assert_eq!(report.ended, Ended::Cap);
    let cost = prices.cost(report.spent);
    assert!((0.006..=0.01).contains(&cost), "{cost}");
}

#[tokio::test]
async fn what_was_under_way_when_a_run_was_killed_counts_as_spent() {
    let directory = Directory::new("killed");
    let (address, _) = teacher().await;
    fs::write(
        directory.spending(),
        "{\"request\":0,\"input\":300,\"output\":500}\n\
         {\"request\":1,\"input\":300,\"output\":500}\n\
         {\"request\":0,\"input\":20,\"output\":90}\n{\"request\":2,\"inp",
    )
    .unwrap();
    let mut settings = settings(address, &directory);
    settings.cap.tokens = Some(1_000);
    let report = run(&settings, questions(2)).await.unwrap();
    assert_eq!((report.ended, report.requests), (Ended::Cap, 0));
    assert_eq!(report.spent, Tokens { input: 320, output: 590 });
}
