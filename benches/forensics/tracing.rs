//! Whose outputs: colluders among many accounts.

use tokio::time::Instant;

use guilloche::forensics::evidence::Decoys;
use guilloche::forensics::examination::{Issuance, Level};
use guilloche::mark::cell::Role;
use guilloche::mark::keys::Scheme;

use crate::corpus::Corpus;
use crate::deployment::{Codeword, Counts, Deployment, SCHEMES, seed};
use crate::examined::{examine, issuance};
use crate::figures::{accounts, head, median, repetitions, row, share, thousands, wilson};
use crate::plot::{Axis, Plot, Series};
use crate::source::Source;
use crate::student::Student;

const ACCOUNTS: usize = 100_000;
const COLLUDERS: [usize; 4] = [1, 5, 20, 100];
const TEXTS: [(usize, f64); 3] = [(1_000_000, 1.0), (1_000_000, 0.3), (10_000_000, 0.3)];
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

/// One outcome of a trace of colluders.
struct Outcome {
    right: usize,
    wrong: usize,
    /// Of the clusters that were found, whether each is theirs.
    clusters: Vec<bool>,
    refused: bool,
    seconds: f64,
}

pub(crate) fn study(corpus: &Corpus) {
    let (student, control) = (Student::new(&corpus.suspect), Student::new(&corpus.control));
    println!(
        "\nColluders among {} accounts, {} repetitions of each line.",
        thousands(accounts(ACCOUNTS)),
        repetitions(USUAL)
    );
    head(&[
        "colluders",
        "linked",
        "words",
        "copied",
        "scheme",
        "colluders found",
        "others found",
        "their cluster found",
        "others' clusters found",
        "refused",
        "s per examination",
    ]);
    let mut lines = Vec::new();
    for (words, copying) in TEXTS {
        for (linked, scene) in SCENES {
            for scheme in SCHEMES {
                let mut points = Vec::new();
                for count in COLLUDERS {
                    if count == 1 && linked != Linked::Never {
                        continue;
                    }
                    let text = (count, words, copying);
                    let outcomes: Vec<Outcome> = (0..repetitions(USUAL))
                        .map(|number| one((&student, &control), scheme, text, linked, number))
                        .collect();
                    row(&cells_of(scene, scheme, text, &outcomes));
                    points.push(point(count, &outcomes, linked));
                }
                if copying == 1.0 {
                    let name = format!("{scene}, {}", scheme.name());
                    lines.push((name, points, scheme == Scheme::Coins));
                }
            }
        }
    }
    plot(lines);
}

/// The share that was found: of the accounts, or of the clusters if they have one.
fn point(colluders: usize, outcomes: &[Outcome], linked: Linked) -> Point {
    let (hits, of) = if linked == Linked::Never {
        let right: usize = outcomes.iter().map(|outcome| outcome.right).sum();
        (right, outcomes.len() * colluders)
    } else {
        let found = outcomes.iter().filter(|outcome| outcome.clusters.contains(&true));
        (found.count(), outcomes.len())
    };
    (colluders as f64, hits as f64 / of as f64, wilson(hits, of))
}

fn cells_of(
    scene: &str,
    scheme: Scheme,
    (count, words, copying): (usize, usize, f64),
    outcomes: &[Outcome],
) -> Vec<String> {
    let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    let found = sum(|outcome| usize::from(outcome.clusters.contains(&true)));
    let linked = scene != SCENES[0].1;
    vec![
        count.to_string(),
        scene.to_owned(),
        thousands(words),
        copying.to_string(),
        scheme.name().to_owned(),
        share(sum(|outcome| outcome.right), count * outcomes.len()),
        sum(|outcome| outcome.wrong).to_string(),
        if linked { share(found, outcomes.len()) } else { "—".to_owned() },
        sum(|outcome| outcome.clusters.iter().filter(|own| !**own).count()).to_string(),
        sum(|outcome| usize::from(outcome.refused)).to_string(),
        format!("{:.1}", median(outcomes.iter().map(|outcome| outcome.seconds))),
    ]
}

fn one(
    (student, control): (&Student, &Student),
    scheme: Scheme,
    (colluders, words, copying): (usize, usize, f64),
    linked: Linked,
    number: u32,
) -> Outcome {
    let deployment = Deployment::new(scheme, number);
    // The first accounts collude; the next ones fill the other clusters.
    let own = usize::from(linked != Linked::Never);
    let issuance = issuance(&deployment, accounts(ACCOUNTS), own + CLUSTERS, |place| {
        let cluster = match place.checked_sub(colluders) {
            None => Some(0).filter(|_| own == 1),
            Some(place) => Some(own + place / MEMBERS).filter(|place| *place < own + CLUSTERS),
        };
        (cluster, place >= colluders || linked != Linked::Before)
    });
    let text = (colluders, words, copying);
    let suspect = stolen(student, &deployment, &issuance, text, linked, number);
    let mut source = Source::of(seed("control", number));
    let unmarked = control.write(&deployment, words, &mut source, |_, _, _| None);
    let started = Instant::now();
    let decoys = Decoys::new(seed("never issued", number), 1_000);
    let examined = examine(&deployment, &issuance, (&suspect, &unmarked), &decoys);
    let seconds = started.elapsed().as_secs_f64();
    let found = examined.found(Level::Account);
    let right = found.iter().filter(|place| **place < colluders).count();
    let clusters = examined.found(Level::Cluster);
    let clusters = clusters.into_iter().map(|place| own == 1 && place == 0).collect();
    let (wrong, refused) = (found.len() - right, examined.refused());
    Outcome { right, wrong, clusters, refused, seconds }
}

/// A student of the colluders in equal parts.
fn stolen(
    student: &Student,
    deployment: &Deployment,
    issuance: &Issuance,
    (colluders, words, copying): (usize, usize, f64),
    linked: Linked,
    number: u32,
) -> Counts {
    let roster = &issuance.roster;
    let own: Vec<Codeword> = roster
        .accounts
        .iter()
        .take(colluders)
        .map(|account| deployment.codeword(&account.key))
        .collect();
    let shared = roster.clusters.first().filter(|_| linked == Linked::Before);
    let shared = shared.map(|cluster| deployment.codeword(&cluster.key));
    let global = deployment.codeword(&roster.global);
    let mut source = Source::of(seed("colluders", number));
    student.write(deployment, words, &mut source, |source, role, _| {
        let account = &own[source.below(colluders as u32) as usize];
        let carrier = match role {
            Role::Global | Role::Arm => &global,
            Role::Cluster => shared.as_ref().unwrap_or(account),
            Role::Account => account,
        };
        source.chance(copying).then_some(carrier)
    })
}

/// Colluders, the share that was found, and its interval.
type Point = (f64, f64, (f64, f64));

fn plot(lines: Vec<(String, Vec<Point>, bool)>) {
    let series = lines.into_iter().map(|(name, points, dashed)| Series {
        name,
        intervals: points.iter().map(|(.., interval)| *interval).collect(),
        points: points.into_iter().map(|(x, y, _)| (x, y)).collect(),
        dashed,
    });
    Plot {
        title: "Found among many accounts (a million words, every site copied)",
        x: Axis::decades("colluding accounts, in equal parts", 0, 2),
        y: Axis::percent("accounts, or their cluster, found"),
        series: series.collect(),
    }
    .write("tracing");
}
