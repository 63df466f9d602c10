//! Units stay in their arms: over restarts, on other replicas, and when they are linked.

use std::collections::BTreeMap;

use crate::stage::*;
use crate::support::get;

/// Who is treated in which way.
async fn treated(replica: &Replica) -> BTreeMap<usize, bool> {
    let mut found = BTreeMap::new();
    for number in 0..30 {
        let (_, answer) = replica.ask((&format!("acct-{number}"), None), 0.9).await;
        found.insert(number, reasons(&answer));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_and_on_a_second_replica_no_unit_changes_its_arm() {
    let stage = Stage::new(UNTOUCHED, WITHHOLDING, "").await;
    let replica = stage.replica("one").await;
    let first = treated(&replica).await;
    let before = replica.stop().await;
    let restarted = stage.replica("one").await;
    assert_eq!(restarted.status().await["known"], 30, "what was known is known");
    assert_eq!(treated(&restarted).await, first);
    let other = stage.replica("two").await;
    assert_eq!(treated(&other).await, first);
    let after = restarted.stop().await;
    // The audit goes on where it was: the first sight of each is that of before.
    for unit in &after.units {
        let same = before.units.iter().find(|it| it.unit == unit.unit).unwrap();
        assert_eq!((&same.arm, same.first_seen), (&unit.arm, unit.first_seen));
    }
    other.stop().await;
}

// Break it: let the arm of the cluster that the detector names last hold.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clusters_that_are_merged_across_arms_are_told_and_treated_by_the_stricter_arm() {
    let stage = Stage::new(UNTOUCHED, WITHHOLDING, "").await;
    let replica = stage.replica("one").await;
    let (mut mild, mut strict) = (None, None);
    for number in 0..20 {
        let (account, cluster) = (format!("acct-{number}"), format!("cluster-{number}"));
        let (_, answer) = replica.ask((&account, Some(&cluster)), 0.9).await;
        let place = if reasons(&answer) { &mut mild } else { &mut strict };
        place.get_or_insert((account, cluster));
    }
    let ((mild, mild_cluster), (strict, strict_cluster)) = (mild.unwrap(), strict.unwrap());
    assert_eq!(replica.status().await["contaminated"], 0);
    // The detector finds that they are one.
    let (_, answer) = replica.ask((&mild, Some(&strict_cluster)), 0.9).await;
    assert!(!reasons(&answer), "the stricter arm holds");
    for (account, cluster) in
        [(&mild, &mild_cluster), (&strict, &strict_cluster), (&"new".to_owned(), &mild_cluster)]
    {
        let (_, answer) = replica.ask((account, Some(cluster)), 0.9).await;
        assert!(!reasons(&answer), "for all of it: {account} in {cluster}");
    }
    for account in [&mild, &strict] {
        let (_, answer) = replica.ask((account, None), 0.9).await;
        assert!(!reasons(&answer), "also where the detector names no cluster: {account}");
    }
    assert_eq!(replica.status().await["contaminated"], 1);
    let (_, metrics) = get(replica.running.admin, "/metrics").await;
    assert!(metrics.contains("guilloche_experiment_contaminated_total{experiment=\"e\"} 1"));
    let audit = replica.stop().await;
    let contaminated: Vec<_> = audit.units.iter().filter(|unit| unit.contaminated).collect();
    assert!(!contaminated.is_empty());
    let one = contaminated[0];
    let [joined] = &audit.joined[..] else { panic!("{:?}", audit.joined) };
    assert_eq!(joined.unit, one.unit, "what the other met is to be counted with it");
    assert!(contaminated.iter().all(|it| it.unit == one.unit && it.arm == one.arm));
    let other_arm = audit.exposures.iter().filter(|it| it.carried_out.is_some());
    for exposure in other_arm {
        assert_eq!(
            (exposure.arm.as_str(), exposure.carried_out.as_deref()),
            ("control", Some("other"))
        );
    }
    // A restart does not forget it.
    let restarted = stage.replica("one").await;
    let (_, answer) = restarted.ask((&mild, Some(&mild_cluster)), 0.9).await;
    assert!(!reasons(&answer));
    restarted.stop().await;
}
