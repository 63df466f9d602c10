//! What is written of requests: where the arms differ, and what units met.

use std::collections::BTreeMap;

use guilloche::audit::{Counter, DryRun, Population, UnitName, UnitSums};
use guilloche::policy::Countermeasure;

use crate::stage::*;

const CALLERS: usize = 12;

fn account(score: &str, number: usize) -> String {
    format!("{score}-{number}")
}

// Break it: leave one arm unread, or write an exposure only where something is carried out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_arms_are_written_alike_and_ungraded_callers_get_the_upstreams_bytes() {
    let stage = Stage::new(UNTOUCHED, WITHHOLDING, "").await;
    let replica = stage.replica("one").await;
    let mut withheld = 0;
    for number in 0..CALLERS {
        let (status, ordinary) = replica.ask((&account("low", number), None), 0.1).await;
        assert_eq!((status, &*ordinary), (200, ANSWER.as_bytes()));
        let (_, graded) = replica.ask((&account("high", number), None), 0.9).await;
        if reasons(&graded) {
            assert_eq!(graded, ANSWER.as_bytes(), "the control arm does nothing");
        } else {
            withheld += 1;
        }
    }
    assert!((1..CALLERS).contains(&withheld), "both arms have callers");
    let Audit { records, exposures, units, .. } = replica.stop().await;

    assert_eq!(exposures.len(), CALLERS, "of those about whom the arms differ, and no others");
    for exposure in &exposures {
        assert_eq!(exposure.population, Some(Population::Harvesters));
        assert_eq!(exposure.carried_out, None);
        let [control, other] = ["control", "other"].map(|arm| &exposure.arms[arm]);
        assert_eq!((control.grade.as_str(), control.enforced.len()), ("seen", 0));
        assert_eq!(other.enforced, [Countermeasure::Reasoning]);
        let record = records.iter().find(|it| it.decision == exposure.decision).unwrap();
        assert_eq!(record.arm.as_ref(), Some(&exposure.arm));
        assert_eq!(record.dry_run.unwrap_or(DryRun::Complete), DryRun::Complete);
        // What the other arm would have done, with the counts that it would have had.
        if exposure.arm == "control" {
            let [tried] = record.other_arms["other"].as_slice() else { panic!("{record:?}") };
            assert_eq!(tried.counts.get(Counter::WordsRemoved), 12, "{record:?}");
            assert!(record.applied.is_empty());
        } else {
            assert!(record.other_arms["control"].is_empty());
            assert_eq!(record.applied[0].counts.get(Counter::WordsRemoved), 12);
        }
    }
    assert_eq!(records.len(), CALLERS);

    let mut sums: BTreeMap<(Option<Population>, Option<String>), UnitSums> = BTreeMap::new();
    for unit in &units {
        assert!(matches!(unit.unit, UnitName::Account(_)));
        *sums.entry((unit.population, unit.arm.clone())).or_default() += &unit.met;
    }
    let of = |population, arm: &str| sums[&(Some(population), Some(arm.to_owned()))].clone();
    let (mut legitimate, mut harvesters) = (0, 0);
    for arm in ["control", "other"] {
        let low = of(Population::Legitimate, arm);
        assert_eq!((low.exposed, low.output_tokens), (0, 0));
        assert_eq!(low.first_byte.count, low.requests);
        legitimate += low.requests;
        let high = of(Population::Harvesters, arm);
        assert_eq!(high.exposed, high.requests);
        let (output, reasoning, words) = if arm == "control" { (20, 12, 0) } else { (8, 0, 12) };
        assert_eq!(high.output_tokens, output * high.requests, "tokens are known in every arm");
        assert_eq!(high.reasoning_tokens, reasoning * high.requests);
        assert_eq!(high.words_withheld, words * high.requests);
        harvesters += high.requests;
    }
    assert_eq!((legitimate, harvesters), (CALLERS as u64, CALLERS as u64));
}

// Break it: read answers of those only about whom the arms differ now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_harvesters_get_is_counted_when_their_score_has_fallen() {
    let stage = Stage::new(UNTOUCHED, WITHHOLDING, "").await;
    let replica = stage.replica("one").await;
    let mut delivered = 0;
    for number in 0..CALLERS {
        let account = account("high", number);
        let (_, graded) = replica.ask((&account, None), 0.9).await;
        let (_, ordinary) = replica.ask((&account, None), 0.1).await;
        assert_eq!(ordinary, ANSWER.as_bytes());
        delivered += 12 * (u64::from(reasons(&graded)) + 1);
    }
    let audit = replica.stop().await;
    let counted: u64 = audit.units.iter().map(|unit| unit.met.reasoning_tokens).sum();
    assert_eq!(counted, delivered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_are_held_out_are_summed_up_in_no_arm_and_those_outside_not_at_all() {
    let stage =
        Stage::new(UNTOUCHED, WITHHOLDING, "holdout = 0.5\nlayer = \"l\"\nshare = 0.5").await;
    let replica = stage.replica("one").await;
    for number in 0..40 {
        replica.ask((&account("high", number), None), 0.9).await;
    }
    let Audit { exposures, units, .. } = replica.stop().await;
    let held: Vec<_> = units.iter().filter(|unit| unit.arm.is_none()).collect();
    assert!(held.len() > 2 && held.iter().all(|unit| unit.met.exposed == 0));
    assert!(units.len() < 36, "half of the layer is another experiment's");
    assert_eq!(exposures.len(), units.len() - held.len());
}
