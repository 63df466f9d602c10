//! How much text a test needs: direct text, and text of a student.

use guilloche::forensics::detect::CellCounts;
use guilloche::forensics::evidence::{Strengths, Weights};
use guilloche::mark::cell::{Purpose, Role};
use rayon::prelude::*;

use crate::corpus::{Corpus, words};
use crate::deployment::{ACCOUNT, Deployment, cell, counts_of, draw, ln_p, marked, seed};
use crate::figures::{ln_p as shown, median, repetitions, share, table, thousands, wilson};
use crate::plot::{Axis, Plot, Series};
use crate::source::Source;
use crate::student::Student;

/// Repetitions, each with another key and another text.
const USUAL: u32 = 200;

const DIRECT: [usize; 8] = [200, 400, 1_000, 2_000, 5_000, 10_000, 30_000, 100_000];
const TAUGHT: [usize; 9] =
    [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000];
const COPYING: [f64; 5] = [1.0, 0.3, 0.1, 0.03, 0.01];
const STRENGTHS: [f64; 3] = [1.0, 0.5, 0.25];
const LEVELS: [f64; 2] = [1e-3, 1e-6];

/// `ln p` of the three tests in one repetition.
#[derive(Clone, Copy)]
struct Tests {
    /// The deployment's key, without knowing the strength.
    plain: f64,
    /// The deployment's key, weighted by the coins of the strength.
    coins: f64,
    /// The key of one account that is asked about, weighted by its coins.
    account: f64,
}

fn tests(
    deployment: &Deployment,
    counts: &CellCounts,
    control: &CellCounts,
    strength: f64,
) -> Tests {
    let weights = Weights::from_counts(counts, &[control]);
    let strengths = Strengths::new([(strength, 1.0)]);
    let test = |roles: &[Role], role, id, coins: bool| {
        let mut weights = deployment.only(&weights, roles);
        if coins {
            weights = weights.by_coins(&deployment.key(Purpose::Coin, role, id), &strengths);
        }
        ln_p(&weights, &deployment.key(Purpose::Lexical, role, id))
    };
    Tests {
        plain: test(&[Role::Global], Role::Global, "", false),
        coins: test(&[Role::Global], Role::Global, "", true),
        account: test(&[Role::Cluster, Role::Account], Role::Account, ACCOUNT, true),
    }
}

fn detected(tests: &[Tests], of: impl Fn(&Tests) -> f64, level: f64) -> usize {
    tests.iter().filter(|tests| of(tests) < level.ln()).count()
}

/// One line of results.
struct Row {
    copying: f64,
    strength: f64,
    words: usize,
    tests: Vec<Tests>,
}

pub(crate) fn study(corpus: &Corpus) {
    let control = counts_of(corpus.control.iter().map(|document| document.text.as_str()));
    let student = Student::new(&corpus.suspect);
    let (seen, all) = student.cells_seen();
    println!(
        "Sites: {:.1} in 1,000 words of the suspect's kind, in {} of {} cells. {} \
         repetitions of each line.",
        student.density(),
        thousands(seen),
        thousands(all),
        repetitions(USUAL)
    );
    let direct = direct(corpus, &control);
    let taught = taught(&student, &control);
    report_null(&student, &control);
    report("Direct: the marked text itself", &direct);
    report("Student", &taught);
    summary(&direct, &taught);
    plot(&direct, &taught);
}

fn direct(corpus: &Corpus, control: &CellCounts) -> Vec<Row> {
    let mut rows = Vec::new();
    for strength in STRENGTHS {
        for size in DIRECT.into_iter().filter(|size| *size <= words(&corpus.suspect)) {
            let tests = (0..repetitions(USUAL)).into_par_iter().map(|number| {
                let deployment = Deployment::new(number);
                let marking = deployment.marking(ACCOUNT, strength);
                let mut source = Source::of(seed("direct", number));
                let documents = draw(&corpus.suspect, size, &mut source).into_iter();
                let counts = counts_of(documents.map(|document| marked(&document.text, &marking)));
                tests(&deployment, &counts, control, strength)
            });
            rows.push(Row { copying: 1.0, strength, words: size, tests: tests.collect() });
        }
    }
    rows
}

fn one(
    student: &Student,
    control: &CellCounts,
    (q, strength, size): (f64, f64, usize),
    number: u32,
) -> Tests {
    let deployment = Deployment::new(number);
    let marking = deployment.marking(ACCOUNT, strength);
    let mut source = Source::of(seed("student", number));
    let counts = student.write(size, &mut source, |source, number| {
        if source.chance(q) { marking.bit(cell(number)) } else { None }
    });
    tests(&deployment, &counts, control, strength)
}

fn taught(student: &Student, control: &CellCounts) -> Vec<Row> {
    let mut rows = Vec::new();
    for strength in STRENGTHS {
        for copying in COPYING {
            for words in TAUGHT {
                let tests: Vec<Tests> = (0..repetitions(USUAL))
                    .into_par_iter()
                    .map(|number| one(student, control, (copying, strength, words), number))
                    .collect();
                let certain = detected(&tests, |tests| tests.plain, 1e-6) == tests.len();
                rows.push(Row { copying, strength, words, tests });
                if certain {
                    break; // More text does not undo it.
                }
            }
        }
    }
    rows
}

/// Students of nobody: how often the tests are wrong.
fn report_null(student: &Student, control: &CellCounts) {
    let audits = 10 * repetitions(USUAL);
    let rows = [10_000, 100_000].map(|words| {
        let tests: Vec<Tests> = (0..audits)
            .into_par_iter()
            .map(|number| one(student, control, (0.0, 0.5, words), 1_000_000 + number))
            .collect();
        let wrong = |of: fn(&Tests) -> f64| detected(&tests, of, 1e-3).to_string();
        let least = tests.iter().fold(0.0_f64, |least, tests| {
            least.min(tests.plain).min(tests.coins).min(tests.account)
        });
        let audits = thousands(tests.len());
        let (plain, coins) = (wrong(|tests| tests.plain), wrong(|tests| tests.coins));
        vec![thousands(words), audits, plain, coins, wrong(|tests| tests.account), shown(least)]
    });
    println!("\nStudents that copy nothing: how many are wrongly found at 1e-3.");
    table(
        &["words", "students", "deployment", "with coins", "one account", "smallest p of all"],
        &rows,
    );
}

fn report(name: &str, rows: &[Row]) {
    println!("\n{name}. Share found (95 % interval); the median p of the deployment's test.");
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|Row { copying, strength, words, tests }| {
            let found =
                |of: fn(&Tests) -> f64, level| share(detected(tests, of, level), tests.len());
            vec![
                copying.to_string(),
                strength.to_string(),
                thousands(*words),
                found(|tests| tests.plain, 1e-3),
                found(|tests| tests.plain, 1e-6),
                found(|tests| tests.coins, 1e-6),
                found(|tests| tests.account, 1e-6),
                shown(median(tests.iter().map(|tests| tests.plain))),
            ]
        })
        .collect();
    table(
        &[
            "copied",
            "strength",
            "words",
            "deployment, 1e-3",
            "deployment, 1e-6",
            "with coins, 1e-6",
            "one account, 1e-6",
            "median p",
        ],
        &lines,
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

fn summary(direct: &[Row], taught: &[Row]) {
    println!("\nWords for nine detections in ten.");
    let mut lines = Vec::new();
    let mut line = |name: String, rows: Vec<&Row>| {
        let strength = rows[0].strength.to_string();
        lines.push(vec![
            name,
            strength,
            needed(&rows, |tests| tests.plain, LEVELS[0]),
            needed(&rows, |tests| tests.plain, LEVELS[1]),
            needed(&rows, |tests| tests.coins, LEVELS[0]),
            needed(&rows, |tests| tests.coins, LEVELS[1]),
            needed(&rows, |tests| tests.account, LEVELS[1]),
        ]);
    };
    for strength in STRENGTHS {
        let of = |rows: &&Row| rows.strength == strength;
        line("direct".to_owned(), direct.iter().filter(of).collect());
        for copying in COPYING {
            let rows = taught.iter().filter(of).filter(|row| row.copying == copying);
            line(format!("student, copies {copying}"), rows.collect());
        }
    }
    table(
        &[
            "text",
            "strength",
            "deployment, 1e-3",
            "deployment, 1e-6",
            "with coins, 1e-3",
            "with coins, 1e-6",
            "one account, with coins, 1e-6",
        ],
        &lines,
    );
}

fn series(name: String, rows: &[&Row], of: impl Fn(&Tests) -> f64, dashed: bool) -> Series {
    let rate = |row: &&Row| {
        let found = detected(&row.tests, &of, 1e-6);
        ((row.words as f64, found as f64 / row.tests.len() as f64), wilson(found, row.tests.len()))
    };
    let (points, intervals) = rows.iter().map(rate).unzip();
    Series { name, points, intervals, dashed }
}

fn plot(direct: &[Row], taught: &[Row]) {
    let label = "words of text";
    let found = "found at p < 1e-6";
    let students = COPYING.map(|copying| {
        let rows: Vec<&Row> =
            taught.iter().filter(|row| row.strength == 1.0 && row.copying == copying).collect();
        series(
            format!("copies {:.0} % of sites", 100.0 * copying),
            &rows,
            |tests| tests.plain,
            false,
        )
    });
    Plot {
        title: "How much text of a student is needed (full strength)",
        x: Axis::decades(label, 3, 7),
        y: Axis::percent(found),
        series: students.into(),
    }
    .write("power-student");
    let mut lines = Vec::new();
    for strength in STRENGTHS {
        let rows: Vec<&Row> = direct.iter().filter(|row| row.strength == strength).collect();
        lines.push(series(format!("strength {strength}"), &rows, |tests| tests.coins, false));
    }
    for strength in STRENGTHS {
        let rows: Vec<&Row> = direct.iter().filter(|row| row.strength == strength).collect();
        lines.push(series(format!("{strength}, coins unused"), &rows, |tests| tests.plain, true));
    }
    Plot {
        title: "How much marked text is needed, and what the coins give",
        x: Axis::decades(label, 2, 5),
        y: Axis::percent(found),
        series: lines,
    }
    .write("power-direct");
}
