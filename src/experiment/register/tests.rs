use super::*;
use crate::audit::AuditKey;

fn names(account: &str, cluster: Option<&str>) -> (UnitName, Option<UnitName>) {
    let hashes = AuditKey::new([5; 32]).principal(account, cluster, None);
    (UnitName::Account(hashes.account), hashes.cluster.map(UnitName::Cluster))
}

fn register(most: usize) -> Register {
    let mut stages = Stages::default();
    stages.begin(Timestamp::UNIX_EPOCH, vec![1, 1]);
    Register::new(most, stages)
}

/// A caller who is seen at a second, whose unit would be in this arm if nothing was known.
fn see(
    register: &Register,
    (account, cluster): (&str, Option<&str>),
    arm: Option<usize>,
    second: i64,
    lines: &mut Vec<Entry>,
) -> Option<Admitted> {
    let (account, cluster) = names(account, cluster);
    if let Found::Known(unit) = register.find(account, cluster) {
        return Some(Admitted { unit, taken_in: None, contaminated: false });
    }
    let now = Timestamp::from_second(second).unwrap();
    let new = New { arm, population: Some(Population::Legitimate), now, unscored: false };
    register.admit(account, cluster, new, |entry| lines.push(entry))
}

fn known(admitted: Option<Admitted>) -> Known {
    admitted.unwrap().unit
}

fn arms(known: Known) -> (Option<usize>, Vec<usize>) {
    (known.arm, known.arms.met().collect())
}

#[test]
fn the_first_unit_of_an_account_stands_whatever_it_is_linked_to() {
    let (register, mut lines) = (register(100), Vec::new());
    let mut see = |caller, arm, second| see(&register, caller, Some(arm), second, &mut lines);
    let first = known(see(("a", None), 0, 1));
    // The cluster was not known: it takes over the account's unit, whatever its own arm would be.
    let linked = known(see(("a", Some("c")), 1, 2));
    assert_eq!((linked.name, arms(linked)), (first.name, (Some(0), vec![0])));
    let other = known(see(("b", Some("c")), 1, 3));
    assert_eq!(other.name, first.name);
    // A request in which the detector does not name the cluster changes nothing.
    assert_eq!(known(see(("b", None), 1, 4)).name, first.name);
    assert_eq!(register.changing().units(), [1, 0]);
}

#[test]
fn clusters_that_are_linked_across_arms_are_contaminated_once_and_say_so() {
    let (register, mut lines) = (register(100), Vec::new());
    let mut see = |caller, arm, second| see(&register, caller, Some(arm), second, &mut lines);
    let c = known(see(("a", Some("c")), 0, 1));
    let d = known(see(("b", Some("d")), 1, 2));
    assert_ne!(c.name, d.name);
    // The detector finds that they are one, and names it d.
    let told = see(("a", Some("d")), 1, 3).unwrap();
    let (one, taken_in) = (told.unit, told.taken_in.unwrap());
    assert!(told.contaminated);
    assert_eq!((one.name, arms(one), taken_in.name), (c.name, (Some(0), vec![0, 1]), d.name));
    // Those of the other are in it as well, even where the detector names no cluster.
    assert_eq!(known(see(("b", None), 1, 4)).name, c.name);
    let again = see(("b", Some("d")), 1, 4).unwrap();
    assert_eq!((again.unit.name, again.contaminated), (c.name, false));
    assert!(known(see(("new", Some("d")), 1, 5)).arms.are_several());
    assert!(known(see(("late", Some("c")), 0, 5)).arms.are_several());
}

// Break it: have the cluster that is named now stand where both were seen at one moment.
#[test]
fn units_that_were_seen_at_one_moment_come_together_once() {
    let (register, mut lines) = (register(100), Vec::new());
    let mut see = |caller, arm| see(&register, caller, Some(arm), 1, &mut lines);
    let callers = [("a", Some("c")), ("b", Some("d"))];
    for (arm, caller) in callers.into_iter().enumerate() {
        known(see(caller, arm));
    }
    let mut told = 0;
    for caller in [("a", Some("d")), ("a", Some("c")), ("b", Some("d")), ("b", Some("c"))].repeat(3)
    {
        told += usize::from(see(caller, 0).unwrap().contaminated);
    }
    assert_eq!(told, 1);
}

#[test]
fn those_who_are_held_out_meet_the_control_arm_and_are_an_arm_of_their_own() {
    let (register, mut lines) = (register(100), Vec::new());
    let held = known(see(&register, ("a", None), None, 1, &mut lines));
    assert_eq!(arms(held), (None, vec![0]));
    known(see(&register, ("b", Some("c")), Some(1), 2, &mut lines));
    let one = see(&register, ("a", Some("c")), Some(1), 3, &mut lines).unwrap();
    assert!(one.contaminated);
    assert_eq!(arms(one.unit), (None, vec![0, 1]));
}

#[test]
fn what_was_written_gives_the_same_units_in_any_state_that_a_crash_leaves() {
    let (before, mut lines) = (register(1_000), Vec::new());
    let callers = [("a", None), ("b", Some("c")), ("a", Some("c")), ("d", Some("e")), ("d", None)];
    let more =
        [("f", Some("e")), ("b", Some("e")), ("g", Some("c")), ("h", None), ("h", Some("i"))];
    let all: Vec<_> = callers.into_iter().chain(more).collect();
    for (second, caller) in (1..).zip(&all) {
        see(&before, *caller, Some(second as usize % 2), second, &mut lines);
    }
    for cut in 0..=lines.len() {
        let after = register(1_000);
        let (read, lost) = lines.split_at(cut);
        assert!(read.iter().all(|entry| after.replay(*entry)));
        if lost.is_empty() {
            assert_eq!(after.changing().units(), before.changing().units());
            for caller in &all {
                let (account, cluster) = names(caller.0, caller.1);
                let (Found::Known(one), Found::Known(other)) =
                    (before.find(account, None), after.find(account, None))
                else {
                    panic!("{caller:?} is known")
                };
                assert_eq!((one.name, arms(one)), (other.name, arms(other)), "{cluster:?}");
                assert_eq!(one.first_seen, other.first_seen);
            }
        }
    }
}

#[test]
fn at_the_bound_units_that_are_known_stay_and_new_ones_find_no_room() {
    let (register, mut lines) = (register(3), Vec::new());
    for account in ["a", "b", "c"] {
        known(see(&register, (account, None), Some(0), 1, &mut lines));
    }
    assert!(see(&register, ("d", None), Some(0), 1, &mut lines).is_none());
    // An account of a unit that is known belongs to it, though it is not remembered.
    let joined = known(see(&register, ("a", Some("cluster")), Some(1), 2, &mut lines));
    assert_eq!(joined.name, names("a", None).0);
    assert_eq!((register.len(), lines.len()), (3, 3));
    assert_eq!(register.changing().units(), [3, 0]);
}

// Break it: forget who has no score, and made-up credentials fill all of it.
#[test]
fn callers_without_a_score_take_half_of_the_room_over_a_restart_too() {
    let (before, mut lines) = (register(8), Vec::new());
    let now = Timestamp::UNIX_EPOCH;
    let new = |unscored| New { arm: Some(0), population: None, now, unscored };
    for made_up in 0..20 {
        let account = names(&format!("key:{made_up}"), None).0;
        let admitted = before.admit(account, None, new(true), |entry| lines.push(entry));
        assert_eq!(admitted.is_some(), made_up < 4);
    }
    let after = register(8);
    assert!(lines.iter().all(|entry| after.replay(*entry)));
    for register in [before, after] {
        assert!(register.admit(names("key", None).0, None, new(true), |_| {}).is_none());
        assert!(register.admit(names("a", None).0, None, new(false), |_| {}).is_some());
    }
}

#[test]
fn lines_outlive_the_process_and_what_is_hostile_is_skipped() {
    let folder = std::env::temp_dir().join(format!("guilloche-register-{}", std::process::id()));
    let open = |take: &mut dyn FnMut(Entry) -> bool| {
        let mut events = Vec::new();
        let arms = vec!["control".into(), "b".into()];
        let opened = Journal::open(&folder, "e-1", arms, |event| events.push(event)).unwrap();
        (opened.units(take).unwrap(), events)
    };
    let mut lines = Vec::new();
    let before = register(100);
    see(&before, ("a", None), Some(1), 1, &mut lines);
    see(&before, ("a", Some("c")), Some(0), 2, &mut lines);
    see(&before, ("held", None), None, 3, &mut lines);
    let (journal, events) = open(&mut |_| panic!("there is nothing yet"));
    assert_eq!(events, []);
    lines.iter().for_each(|entry| journal.note(*entry));
    let time = Timestamp::from_second(9).unwrap();
    let ordered = [
        Event::RolledBack { time, why: "by order".to_owned(), arm: Some("b".to_owned()) },
        Event::Resumed { time },
        Event::Weights { time, arms: [("b".to_owned(), 2)].into() },
    ];
    ordered.iter().for_each(|event| journal.order(event).unwrap());
    assert!(journal.flush(std::time::Duration::from_secs(60)));
    drop(journal);
    // A crash, and a hand that does not know what it writes.
    let units = folder.join("e-1.units.jsonl");
    let mut text = std::fs::read_to_string(&units).unwrap();
    let long = format!("{{\"seen\":\"{}\"}}\n", "x".repeat(10_000));
    text = format!("nonsense\n{long}{{\"lost\":3}}\n{text}{{\"joined\":{{\"mem");
    std::fs::write(&units, text).unwrap();
    for _ in 0..2 {
        let mut found = Vec::new();
        let (journal, events) = open(&mut |entry| {
            found.push(entry);
            true
        });
        assert_eq!((found.as_slice(), events.as_slice()), (lines.as_slice(), ordered.as_slice()));
        // What is appended behind a cut line is a line of its own.
        drop(journal);
    }
    // Units of an arm that is not there any more are not drawn anew in silence.
    let other = r#"{"seen":{"unit":{"slot":3},"arm":"gone","first_seen":"2026-12-01T00:00:00Z"}}"#;
    std::fs::write(&units, format!("{other}\n")).unwrap();
    let arms = vec!["control".into(), "b".into()];
    let opened = Journal::open(&folder, "e-1", arms, |_| {}).unwrap();
    let refused = opened.units(|_| true).unwrap_err();
    assert!(refused.source.to_string().contains("\"gone\""), "{refused:?}");
    std::fs::remove_dir_all(folder).unwrap();
}
