//! How much text a test needs: direct text, and text of a student.

use guilloche::forensics::detect::CellCounts;
use guilloche::mark::cell::Role;
use guilloche::mark::keys::Scheme;
use rayon::prelude::*;

use crate::corpus::{Corpus, words};
use crate::deployment::{ACCOUNT, Counts, Deployment, SCHEMES, counts_of, draw, marked, seed};
use crate::figures::{ln_p as shown, median, repetitions, share, table, thousands, wilson};
use crate::plot::{Axis, Plot, Series};
use crate::source::Source;
use crate::student::Student;

/// Repetitions, each with another key and another text.
const USUAL: u32 = 200;

const DIRECT: [usize; 8] = [200, 400, 1_000, 2_000, 5_000, 10_000, 30_000, 100_000];
const TAUGHT: [usize; 9] =
    [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000];
/// What share of its choices a student copies, and at which strength it was taught.
const STUDENTS: [(f64, f64); 7] =
    [(1.0, 1.0), (0.3, 1.0), (0.1, 1.0), (0.03, 1.0), (1.0, 0.4), (0.3, 0.4), (0.1, 0.4)];
const STRENGTHS: [f64; 3] = [1.0, 0.4, 0.25];
const LEVELS: [f64; 2] = [1e-3, 1e-6];

/// `ln p` of the tests in one repetition.
#[derive(Clone, Copy)]
struct Tests {
    deployment: f64,
    /// One account that is asked about, and that was never linked.
    account: f64,
}

fn tests(deployment: &Deployment, counts: &Counts, control: &CellCounts, strength: f64) -> Tests {
    let said = deployment.said(counts, control, strength);
    let test = |roles: &[Role], role, id| deployment.ln_p(&said, roles, &deployment.key(role, id));
    Tests {
        deployment: test(&[Role::Global], Role::Global, ""),
        account: test(&[Role::Cluster, Role::Account], Role::Account, ACCOUNT),
    }
}

fn detected(tests: &[Tests], of: impl Fn(&Tests) -> f64, level: f64) -> usize {
    tests.iter().filter(|tests| of(tests) < level.ln()).count()
}

/// One line of results.
struct Row {
    scheme: Scheme,
    /// None of marked text itself.
    copying: Option<f64>,
    strength: f64,
    words: usize,
    tests: Vec<Tests>,
}

pub(crate) fn study(corpus: &Corpus) {
    let control = counts_of(corpus.control.iter().map(|document| document.text.as_str()));
    let student = Student::new(&corpus.suspect);
    println!(
        "Sites: {:.1} in 1,000 words of the suspect's kind. {} repetitions of each line.",
        student.density(),
        repetitions(USUAL)
    );
    report_null(&student, &control);
    let mut rows = Vec::new();
    for scheme in SCHEMES {
        rows.extend(direct(corpus, &control, scheme));
        rows.extend(taught(&student, &control, scheme));
    }
    report(&rows);
    summary(&rows);
    plot(&rows);
}

fn direct(corpus: &Corpus, control: &CellCounts, scheme: Scheme) -> Vec<Row> {
    let mut rows = Vec::new();
    for strength in STRENGTHS {
        for size in DIRECT.into_iter().filter(|size| *size <= words(&corpus.suspect)) {
            let tests = (0..repetitions(USUAL)).into_par_iter().map(|number| {
                let deployment = Deployment::new(scheme, number);
                let marking = deployment.marking(ACCOUNT, strength);
                let mut source = Source::of(seed("direct", number));
                let documents = draw(&corpus.suspect, size, &mut source).into_iter();
                let texts = documents.map(|document| marked(&document.text, &marking));
                tests(&deployment, &deployment.counts_of(texts), control, strength)
            });
            let tests: Vec<Tests> = tests.collect();
            let certain = is_certain(&tests);
            rows.push(Row { scheme, copying: None, strength, words: size, tests });
            if certain {
                break;
            }
        }
    }
    rows
}

/// More text does not undo it.
fn is_certain(all: &[Tests]) -> bool {
    detected(all, |tests| tests.deployment.max(tests.account), 1e-6) == all.len()
}

fn one(
    (student, control): (&Student, &CellCounts),
    scheme: Scheme,
    ((copying, strength), size): ((f64, f64), usize),
    number: u32,
) -> Tests {
    let deployment = Deployment::new(scheme, number);
    let codeword = |role, id| deployment.codeword(&deployment.key(role, id));
    let (global, account) = (codeword(Role::Global, ""), codeword(Role::Account, ACCOUNT));
    let mut source = Source::of(seed("student", number));
    let counts = student.write(&deployment, size, &mut source, |source, role, cell| {
        // Cells of clusters are the account's as well, since it is in none.
        let (marked, key) = match role {
            Role::Global => (&global, (Role::Global, "")),
            _ => (&account, (Role::Account, ACCOUNT)),
        };
        (source.chance(copying) && deployment.carries(key, cell, strength)).then_some(marked)
    });
    tests(&deployment, &counts, control, strength)
}

fn taught(student: &Student, control: &CellCounts, scheme: Scheme) -> Vec<Row> {
    let mut rows = Vec::new();
    for (copying, strength) in STUDENTS {
        for words in TAUGHT {
            let tests: Vec<Tests> = (0..repetitions(USUAL))
                .into_par_iter()
                .map(|number| one((student, control), scheme, ((copying, strength), words), number))
                .collect();
            let certain = is_certain(&tests);
            rows.push(Row { scheme, copying: Some(copying), strength, words, tests });
            if certain {
                break;
            }
        }
    }
    rows
}

/// Students of nobody: how often the tests are wrong.
fn report_null(student: &Student, control: &CellCounts) {
    let mut rows = Vec::new();
    for scheme in SCHEMES {
        for words in [10_000, 100_000] {
            let tests: Vec<Tests> = (0..10 * repetitions(USUAL))
                .into_par_iter()
                .map(|number| {
                    one((student, control), scheme, ((0.0, 1.0), words), 1_000_000 + number)
                })
                .collect();
            let wrong = |of: fn(&Tests) -> f64| detected(&tests, of, 1e-3).to_string();
            let least = tests.iter().map(|tests| tests.deployment.min(tests.account));
            rows.push(vec![
                scheme.name().to_owned(),
                thousands(words),
                thousands(tests.len()),
                wrong(|tests| tests.deployment),
                wrong(|tests| tests.account),
                shown(least.fold(0.0, f64::min)),
            ]);
        }
    }
    println!("\nStudents that copy nothing: how many are wrongly found at 1e-3.");
    table(
        &["scheme", "words", "students", "deployment", "one account", "smallest p of all"],
        &rows,
    );
}

fn named(copying: Option<f64>) -> String {
    copying.map_or("direct".to_owned(), |copying| format!("student, {:.0} %", 100.0 * copying))
}

fn report(rows: &[Row]) {
    println!("\nShare found (95 % interval); the median p of the deployment's test.");
    let line = |Row { scheme, copying, strength, words, tests }: &Row| {
        let found = |of: fn(&Tests) -> f64, level| share(detected(tests, of, level), tests.len());
        vec![
            named(*copying),
            scheme.name().to_owned(),
            strength.to_string(),
            thousands(*words),
            found(|tests| tests.deployment, 1e-3),
            found(|tests| tests.deployment, 1e-6),
            found(|tests| tests.account, 1e-6),
            shown(median(tests.iter().map(|tests| tests.deployment))),
        ]
    };
    table(
        &[
            "text",
            "scheme",
            "strength",
            "words",
            "deployment, 1e-3",
            "deployment, 1e-6",
            "one account, 1e-6",
            "median p",
        ],
        &rows.iter().map(line).collect::<Vec<_>>(),
    );
}

/// The words at which nine of ten are found, between the sizes on both sides by the logarithm.
fn needed(rows: &[&Row], of: impl Fn(&Tests) -> f64, level: f64) -> String {
    let mut last: Option<(f64, f64)> = None;
    for row in rows {
        let rate = detected(&row.tests, &of, level) as f64 / row.tests.len() as f64;
        let size = (row.words as f64).ln();
        if rate >= 0.9 {
            let Some((before, low)) = last else {
                return format!("under {}", thousands(row.words));
            };
            let words = (before + (0.9 - low) / (rate - low) * (size - before)).exp();
            let unit = 10_f64.powf(words.log10().floor() - 1.0);
            return thousands(((words / unit).round() * unit) as usize);
        }
        last = Some((size, rate));
    }
    rows.last().map_or(String::new(), |row| format!("over {}", thousands(row.words)))
}

fn of(rows: &[Row], scheme: Scheme, copying: Option<f64>, strength: f64) -> Vec<&Row> {
    let is = |row: &&Row| (row.scheme, row.copying, row.strength) == (scheme, copying, strength);
    rows.iter().filter(is).collect()
}

fn summary(rows: &[Row]) {
    println!("\nWords for nine detections in ten.");
    let texts = STRENGTHS.map(|strength| (None, strength)).into_iter();
    let texts = texts.chain(STUDENTS.map(|(copying, strength)| (Some(copying), strength)));
    let line = |(copying, strength): (Option<f64>, f64)| {
        let mut line = vec![named(copying), strength.to_string()];
        for scheme in SCHEMES {
            let rows = of(rows, scheme, copying, strength);
            line.extend(LEVELS.map(|level| needed(&rows, |tests| tests.deployment, level)));
            line.push(needed(&rows, |tests| tests.account, LEVELS[1]));
        }
        line
    };
    table(
        &[
            "text",
            "strength",
            "`law`: deployment, 1e-3",
            "deployment, 1e-6",
            "one account, 1e-6",
            "`coins`: deployment, 1e-3",
            "deployment, 1e-6",
            "one account, 1e-6",
        ],
        &texts.map(line).collect::<Vec<_>>(),
    );
}

fn series(name: String, rows: &[&Row], dashed: bool) -> Series {
    let rate = |row: &&Row| {
        let found = detected(&row.tests, |tests| tests.deployment, 1e-6);
        ((row.words as f64, found as f64 / row.tests.len() as f64), wilson(found, row.tests.len()))
    };
    let (points, intervals) = rows.iter().map(rate).unzip();
    Series { name, points, intervals, dashed }
}

fn plot(rows: &[Row]) {
    let (words, found) = ("words of text", "found at p < 1e-6");
    let student = |scheme: Scheme, copying: f64| {
        let name = format!("{}, copies {:.0} %", scheme.name(), 100.0 * copying);
        series(name, &of(rows, scheme, Some(copying), 1.0), scheme == Scheme::Coins)
    };
    let at_full_strength = STUDENTS.into_iter().filter(|(_, strength)| *strength == 1.0);
    let mut students: Vec<Series> =
        at_full_strength.map(|(copying, _)| student(Scheme::Law, copying)).collect();
    students.extend([1.0, 0.3].map(|copying| student(Scheme::Coins, copying)));
    Plot {
        title: "How much text of a student is needed (full strength)",
        x: Axis::decades(words, 3, 7),
        y: Axis::percent(found),
        series: students,
    }
    .write("power-student");
    let direct = SCHEMES.into_iter().flat_map(|scheme| {
        STRENGTHS.map(|strength| {
            let name = format!("{}, strength {strength}", scheme.name());
            series(name, &of(rows, scheme, None, strength), scheme == Scheme::Coins)
        })
    });
    Plot {
        title: "How much marked text is needed",
        x: Axis::decades(words, 2, 5),
        y: Axis::percent(found),
        series: direct.collect(),
    }
    .write("power-direct");
}
