//! Whose outputs: colluders among a hundred thousand accounts.

use tokio::time::Instant;

use guilloche::forensics::detect::CellCounts;
use guilloche::forensics::evidence::{Decoys, Weights};
use guilloche::forensics::tracing::{Account, Cluster, Finding, Roster, Trace};
use guilloche::mark::cell::{Bits, MarkKey, Purpose, Role};
use rayon::prelude::*;

use crate::corpus::Corpus;
use crate::deployment::{Deployment, cell, cells, counts_of, seed};
use crate::figures::{head, median, repetitions, row, share, thousands, wilson};
use crate::plot::{Axis, Plot, Series};
use crate::source::Source;
use crate::student::Student;

const ACCOUNTS: usize = 100_000;
const COLLUDERS: [usize; 4] = [1, 5, 20, 100];
const WORDS: [usize; 2] = [1_000_000, 10_000_000];
const COPYING: [f64; 2] = [1.0, 0.3];
const USUAL: u32 = 4;

/// Other clusters, with their members, so that the colluders' is one of many.
const CLUSTERS: usize = 500;
const MEMBERS: usize = 20;

/// When the colluders were linked.
#[derive(Clone, Copy, PartialEq)]
enum Linked {
    /// They are not.
    Never,
    /// After the answers were issued: those carry each account's own key.
    Afterwards,
    /// Before: the answers carry the key that they share.
    Before,
}

const SCENES: [(Linked, &str); 3] = [
    (Linked::Never, "never linked"),
    (Linked::Afterwards, "linked afterwards"),
    (Linked::Before, "linked before"),
];

pub(crate) fn study(corpus: &Corpus) {
    let control = counts_of(corpus.control.iter().map(|document| document.text.as_str()));
    colluders(corpus, &control);
}

pub(crate) fn account(
    deployment: &Deployment,
    number: usize,
    cluster: Option<usize>,
    alone: bool,
) -> Account {
    let name = number.to_string();
    let key = deployment.key(Purpose::Lexical, Role::Account, &name);
    Account { name, key, cluster, marked_alone: alone }
}

pub(crate) fn cluster(deployment: &Deployment, number: usize) -> Cluster {
    let name = number.to_string();
    Cluster { key: deployment.key(Purpose::Lexical, Role::Cluster, &name), name }
}

pub(crate) fn global(deployment: &Deployment) -> MarkKey {
    deployment.key(Purpose::Lexical, Role::Global, "")
}

/// One outcome of a trace of colluders.
struct Outcome {
    right: usize,
    wrong: usize,
    cluster: Option<bool>,
    seconds: f64,
}

fn colluders(corpus: &Corpus, control: &CellCounts) {
    let student = Student::new(&corpus.suspect);
    println!(
        "\nColluders among {} accounts, {} repetitions of each line.",
        thousands(ACCOUNTS),
        repetitions(USUAL)
    );
    head(&[
        "colluders",
        "linked",
        "words",
        "copied",
        "colluders named",
        "others named",
        "their cluster named",
        "others' clusters named",
        "s per trace",
    ]);
    let mut lines = Vec::new();
    for copying in COPYING {
        for words in WORDS {
            for (linked, scene) in SCENES {
                let mut points = Vec::new();
                for count in COLLUDERS {
                    if count == 1 && linked != Linked::Never {
                        continue;
                    }
                    let outcomes: Vec<Outcome> = (0..repetitions(USUAL))
                        .map(|number| {
                            one(&student, control, (count, words, copying), linked, number)
                        })
                        .collect();
                    row(&cells_of(scene, count, words, copying, &outcomes));
                    points.push(point(count, &outcomes, linked));
                }
                if copying == 1.0 {
                    let millions = words / 1_000_000;
                    let name = format!("{scene}, {millions}M");
                    lines.push((name, points, words == 1_000_000));
                }
            }
        }
    }
    plot(lines);
}

/// The share that was named: of the accounts, or of the clusters if they have one.
fn point(colluders: usize, outcomes: &[Outcome], linked: Linked) -> Point {
    let (hits, of) = if linked == Linked::Never {
        let right: usize = outcomes.iter().map(|outcome| outcome.right).sum();
        (right, outcomes.len() * colluders)
    } else {
        (outcomes.iter().filter(|outcome| outcome.cluster == Some(true)).count(), outcomes.len())
    };
    (colluders as f64, hits as f64 / of as f64, wilson(hits, of))
}

fn cells_of(
    scene: &str,
    count: usize,
    words: usize,
    copying: f64,
    outcomes: &[Outcome],
) -> Vec<String> {
    let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    let named = outcomes.iter().filter(|outcome| outcome.cluster == Some(true)).count();
    let others = outcomes.iter().filter(|outcome| outcome.cluster == Some(false)).count();
    let linked = scene != SCENES[0].1;
    vec![
        count.to_string(),
        scene.to_owned(),
        thousands(words),
        copying.to_string(),
        share(sum(|outcome| outcome.right), count * outcomes.len()),
        sum(|outcome| outcome.wrong).to_string(),
        if linked { share(named, outcomes.len()) } else { "—".to_owned() },
        others.to_string(),
        format!("{:.1}", median(outcomes.iter().map(|outcome| outcome.seconds))),
    ]
}

fn one(
    student: &Student,
    control: &CellCounts,
    (colluders, words, copying): (usize, usize, f64),
    linked: Linked,
    number: u32,
) -> Outcome {
    let deployment = Deployment::new(number);
    // The first accounts collude; the next ones fill the other clusters.
    let own = usize::from(linked != Linked::Never);
    let accounts = (0..ACCOUNTS).into_par_iter().map(|place| {
        let cluster = if place < colluders {
            (own == 1).then_some(0)
        } else {
            Some(own + (place - colluders) / MEMBERS).filter(|place| *place < own + CLUSTERS)
        };
        account(&deployment, place, cluster, place >= colluders || linked != Linked::Before)
    });
    let roster = Roster {
        global: global(&deployment),
        accounts: accounts.collect(),
        clusters: (0..own + CLUSTERS).map(|place| cluster(&deployment, place)).collect(),
        arms: Vec::new(),
        mostly_in_arms: false,
        membership_fixed: true,
    };
    let counts = stolen(student, &deployment, &roster, (colluders, words, copying), linked, number);
    let started = Instant::now();
    let weights = Weights::from_counts(&counts, &[control]);
    let decoys = Decoys::new(seed("never issued", number), 10_000);
    let trace = Trace::new(&weights, &deployment.roles, &roster, &decoys);
    let seconds = started.elapsed().as_secs_f64();
    let Ok(findings) = trace.findings(&[]) else {
        return Outcome { right: 0, wrong: 0, cluster: None, seconds };
    };
    let named = |finding: &Finding| match finding {
        Finding::Each(places) => places.clone(),
        Finding::Nobody | Finding::Unclear(_) => Vec::new(),
    };
    let accounts = named(&findings.accounts);
    let right = accounts.iter().filter(|place| **place < colluders).count();
    let clusters = named(&findings.clusters);
    let cluster = match clusters.as_slice() {
        [] => None,
        [0] if own == 1 => Some(true),
        _ => Some(false),
    };
    Outcome { right, wrong: accounts.len() - right, cluster, seconds }
}

/// A student of the colluders in equal parts.
fn stolen(
    student: &Student,
    deployment: &Deployment,
    roster: &Roster,
    (colluders, words, copying): (usize, usize, f64),
    linked: Linked,
    number: u32,
) -> CellCounts {
    let bits = |key: &MarkKey| Bits::new(key, cells());
    let own: Vec<Bits> =
        roster.accounts.iter().take(colluders).map(|account| bits(&account.key)).collect();
    let shared = roster.clusters.first().filter(|_| linked == Linked::Before);
    let shared = shared.map(|cluster| bits(&cluster.key));
    let global = bits(&roster.global);
    let mut source = Source::of(seed("colluders", number));
    student.write(words, &mut source, |source, number| {
        let account = &own[source.below(colluders as u32) as usize];
        let carrier = match deployment.roles.of(cell(number)) {
            Role::Global | Role::Arm => &global,
            Role::Cluster => shared.as_ref().unwrap_or(account),
            Role::Account => account,
        };
        source.chance(copying).then(|| carrier.get(cell(number)))
    })
}

/// Colluders, the share that was named, and its interval.
type Point = (f64, f64, (f64, f64));

fn plot(lines: Vec<(String, Vec<Point>, bool)>) {
    let series = lines.into_iter().map(|(name, points, dashed)| Series {
        name,
        intervals: points.iter().map(|(.., interval)| *interval).collect(),
        points: points.into_iter().map(|(x, y, _)| (x, y)).collect(),
        dashed,
    });
    Plot {
        title: "Named among 100,000 accounts (every site copied)",
        x: Axis::decades("colluding accounts, in equal parts", 0, 2),
        y: Axis::percent("accounts, or their cluster, named"),
        series: series.collect(),
    }
    .write("tracing");
}
