//! The report in words, 80 columns wide.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::json;

use super::caller::{Asked, Received};
use super::harvest::Harvest;
use super::report::{Burst, Report, Row};
use super::stage::Stage;
use crate::audit::{Counter, Record};
use crate::cli::standard_output::{self, StandardOutput};
use crate::cli::{Failure, Format};
use crate::risk::SignedFields;

const WIDTH: usize = 80;
/// What the printed call of the vendor's library sends as its API key.
const API_KEY: &str = "sk-demo";

/// The heading of the table, whose columns are those of [`line`].
const HEADING: &str = "caller    score grade         model         reasoning answer tok/s logprobs";

/// Prints each finding of the demo when it is there, or nothing where all of it is printed as JSON
/// at the end.
pub(super) struct Printer {
    shown: bool,
}

impl Printer {
    pub(super) fn new(format: Format) -> Self {
        Self { shown: format == Format::Text }
    }

    fn print(
        &self,
        write: impl FnOnce(&mut StandardOutput) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.shown {
            let out = &mut standard_output::lock();
            write(out)?;
            // Into a pipe as well, whoever waits there.
            out.flush()?;
        }
        Ok(())
    }

    pub(super) fn opening(&self, problems: usize) -> Result<(), Failure> {
        self.print(|out| {
            let text = format!(
                "{problems} word problems, asked over Chat Completions as streams, with \
                 log-probabilities. Words of reasoning and answer are summed over the problems; the \
                 policy is policies/graded.toml."
            );
            for line in wrap(&text, WIDTH) {
                writeln!(out, "{line}")?;
            }
            Ok(writeln!(out, "\n{HEADING}")?)
        })
    }

    pub(super) fn row(&self, row: &Row) -> Result<(), Failure> {
        self.print(|out| Ok(writeln!(out, "{}", line(row))?))
    }

    pub(super) fn identical(&self, (same, all): (usize, usize)) -> Result<(), Failure> {
        self.print(|out| {
            writeln!(
                out,
                "\nThe ordinary caller got the upstream's bytes in {same} of {all} answers"
            )?;
            Ok(writeln!(out, "(Chat Completions and Messages, as documents and as streams).\n")?)
        })
    }

    pub(super) fn side_by_side(
        &self,
        question: &str,
        ordinary: &Received,
        harvester: &Received,
    ) -> Result<(), Failure> {
        self.print(|out| side_by_side(out, question, ordinary, harvester))
    }

    pub(super) fn burst(&self, burst: &Burst) -> Result<(), Failure> {
        let Burst { requests, accounts, answered, limited, retry_after } = burst;
        let retry =
            retry_after.map_or(String::new(), |seconds| format!(", retry-after up to {seconds} s"));
        self.print(|out| {
            writeln!(
                out,
                "\n{requests} requests at once from {accounts} accounts of one cluster, at score 0.75:"
            )?;
            Ok(writeln!(out, "{answered} answered, {limited} refused with 429{retry}.\n")?)
        })
    }

    pub(super) fn audit(&self, records: &[Record]) -> Result<(), Failure> {
        self.print(|out| audit(out, records))
    }

    pub(super) fn verdict(&self, harvest: &Harvest) -> Result<(), Failure> {
        self.print(|out| verdict(out, harvest))
    }
}

fn line(row: &Row) -> String {
    let Row { caller, score, grade, status, model, reasoning_words, answer_words, .. } = row;
    let score = score.map_or("-".to_owned(), |score| format!("{score:.2}"));
    let grade = grade.as_deref().unwrap_or("-");
    if *status != 200 {
        return format!("{caller:<9} {score:<5} {grade:<13} refused with status {status}");
    }
    let rate = row.tokens_per_second.map_or("-".to_owned(), |rate| format!("{rate:.0}"));
    let leak = if row.log_probabilities { "yes" } else { "no" };
    format!(
        "{caller:<9} {score:<5} {grade:<13} {model:<13} {reasoning_words:>9} {answer_words:>6} {rate:>5} {leak}"
    )
}

/// The first problem, as the ordinary caller and as the harvester got it answered.
fn side_by_side(
    out: &mut impl Write,
    question: &str,
    ordinary: &Received,
    harvester: &Received,
) -> Result<(), Failure> {
    const COLUMN: usize = (WIDTH - 3) / 2;
    for line in wrap(&format!("One of the problems: {question}"), WIDTH) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)?;
    let column = |title: &str, received: &Received| {
        let reasoning = match received.reasoning_words() {
            0 => "reasoning: none".to_owned(),
            words => format!("reasoning, {words} words: {}", shortened(&received.reasoning, 160)),
        };
        let mut lines = vec![title.to_owned(), String::new()];
        lines.extend(wrap(&reasoning, COLUMN));
        lines.push(String::new());
        lines.extend(wrap(&format!("answer: {}", shortened(&received.answer, 420)), COLUMN));
        lines
    };
    let left = column("ORDINARY CALLER", ordinary);
    let right = column("HARVESTER, SCORE 0.75", harvester);
    for index in 0..left.len().max(right.len()) {
        let cell = |lines: &[String]| lines.get(index).cloned().unwrap_or_default();
        let line = format!("{:<COLUMN$} | {}", cell(&left), cell(&right));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// What the audit says was done, by grade.
fn audit(out: &mut impl Write, records: &[Record]) -> Result<(), Failure> {
    let mut grades: BTreeMap<&str, (usize, BTreeMap<&str, u64>)> = BTreeMap::new();
    for record in records {
        let (decisions, counts) = grades.entry(&record.grade).or_default();
        *decisions += 1;
        for applied in &record.applied {
            for (counter, name) in [
                (Counter::FieldsStripped, "members closed"),
                (Counter::WordsRemoved, "words of reasoning withheld"),
                (Counter::ModelsReplaced, "models replaced"),
                (Counter::FieldsSet, "caps lowered"),
                (Counter::WaitsMs, "ms waited"),
                (Counter::RequestsRefused, "requests refused"),
            ] {
                let count = applied.counts.get(counter);
                if count > 0 {
                    *counts.entry(name).or_default() += count;
                }
            }
        }
    }
    writeln!(
        out,
        "The audit has {} records, none of an ordinary caller, and no text:",
        records.len()
    )?;
    for (grade, (decisions, counts)) in grades {
        let counts: Vec<String> =
            counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let text = format!("{grade}: {decisions} decisions; {}", counts.join(", "));
        for line in wrap(&text, WIDTH - 2) {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

/// What the examination says of the harvester's loot, and of the same answers without marks.
fn verdict(out: &mut impl Write, harvest: &Harvest) -> Result<(), Failure> {
    let Harvest { answers, accounts, score, loot, unmarked, command: _ } = harvest;
    writeln!(out)?;
    let texts = [
        (
            format!(
                "Then {accounts} accounts of the harvester took {answers} answers, at score {score}, behind policies/marked.toml. `guilloche verify` reads their {} words:",
                loot.words
            ),
            loot,
        ),
        (
            format!(
                "The same questions, answered straight by the upstream ({} words):",
                unmarked.words
            ),
            unmarked,
        ),
    ];
    for (title, examined) in &texts {
        for line in wrap(title, WIDTH) {
            writeln!(out, "{line}")?;
        }
        for line in wrap(&examined.sentence, WIDTH - 2) {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

pub(super) fn print_json(report: &Report) -> Result<(), Failure> {
    let (same, all) = report.identical;
    let report = json!({
        "rows": report.rows,
        "ordinary_answers_identical_to_upstream": {"identical": same, "of": all},
        "burst": report.burst,
        "harvest": report.harvest,
        "audit": report.audit,
    });
    Ok(writeln!(standard_output::lock(), "{report:#}")?)
}

/// Requests to try while the demo stays up.
pub(super) fn print_invitation(stage: &Stage, report: &Report) -> Result<(), Failure> {
    let out = &mut standard_output::lock();
    let question = report.question.as_str();
    let asked = Asked { protocol: "chat", stream: true, question, log_probabilities: false };
    let body = asked.body().to_string().replace('\'', "'\\''");
    let url = format!("http://{}{}", stage.proxy(), asked.path());
    writeln!(
        out,
        "\nStill up until ctrl-c. The upstream is http://{}, the proxy http://{}.",
        stage.upstream(),
        stage.proxy()
    )?;
    writeln!(
        out,
        "\n# As an ordinary caller:\ncurl -N {url} \\\n  -H 'content-type: application/json' -d '{body}'"
    )?;
    let fields = stage.sign("acct-7", 0.75, asked.path(), None)?;
    writeln!(out, "\n# The same with the header of a detector that says 0.75 (good for an hour):")?;
    writeln!(out, "curl -N {url} \\\n  -H 'content-type: application/json' \\")?;
    for (name, value) in fields.entries() {
        writeln!(out, "  -H '{name}: {value}' \\")?;
    }
    writeln!(out, "  -d '{body}'")?;
    let fields = stage.sign("acct-7", 0.75, asked.path(), Some(API_KEY))?;
    writeln!(out, "\n# And from the vendor's Python library:")?;
    writeln!(out, "{}", python(&stage.proxy().to_string(), &fields, question))?;
    writeln!(out, "\n# The examination, with a page to look at:")?;
    writeln!(out, "{} \\\n  --report report.html", report.harvest.command)?;
    Ok(())
}

/// A call of the vendor's Python library, which sends an API key: the fields must be bound to it.
fn python(proxy: &str, fields: &SignedFields, question: &str) -> String {
    let headers =
        fields.entries().map(|(name, value)| format!("{name:?}: {value:?}")).join(",\n    ");
    format!(
        "import openai\nclient = openai.OpenAI(base_url=\"http://{proxy}/v1\", api_key={API_KEY:?}, \
         default_headers={{\n    {headers}}})\nprint(client.chat.completions.create(\
         model=\"teacher-large\",\n    messages=[{{\"role\": \"user\", \"content\": {question:?}}}])\
         .choices[0].message)"
    )
}

fn shortened(text: &str, most: usize) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(most) {
        Some((end, _)) => format!("{} […]", flat.get(..end).unwrap_or_default().trim_end()),
        None => flat,
    }
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(caller: &'static str, grade: &str, status: u16) -> Row {
        Row {
            caller,
            score: Some(0.35),
            grade: Some(grade.to_owned()),
            status,
            model: "teacher-large".to_owned(),
            reasoning_words: 99_999,
            answer_words: 99_999,
            log_probabilities: true,
            tokens_per_second: Some(9999.0),
            requests: 3,
        }
    }

    #[test]
    fn the_table_fits_into_80_columns_and_every_column_stands_under_its_heading() {
        let policy = include_str!("../../../policies/graded.toml");
        let grades = crate::policy::Policy::parse("graded.toml", policy).unwrap().grades;
        for grade in &grades {
            for status in [200, 403] {
                let line = line(&row("harvester", &grade.name, status));
                assert!(line.len() <= 80 && HEADING.len() <= 80, "{line}");
            }
        }
        let line = line(&row("harvester", "side-channels", 200));
        for (heading, value) in [
            ("score", "0.35"),
            ("grade", "side-channels"),
            ("model", "teacher-large"),
            ("logprobs", "yes"),
        ] {
            assert_eq!(HEADING.find(heading), line.find(value), "{heading}: {line}");
        }
        for heading in ["reasoning", "answer", "tok/s"] {
            let end = HEADING.find(heading).unwrap() + heading.len();
            assert!(line.as_bytes()[end - 1].is_ascii_digit() && line.as_bytes()[end] == b' ');
        }
    }

    #[tokio::test]
    async fn the_printed_python_shows_the_defense_and_not_an_unknown_caller() {
        let stage = Stage::start().await.unwrap();
        let question = "How many apples are 12 apples and 5 apples?";
        let asked = Asked { protocol: "chat", stream: true, question, log_probabilities: false };
        let fields = stage.sign("acct-7", 0.75, asked.path(), Some(API_KEY)).unwrap();
        let printed = python("127.0.0.1:1", &fields, question);
        assert!(
            printed.contains("api_key=\"sk-demo\"")
                && printed.contains(&format!("{:?}", fields.risk))
        );
        let mut request = http::Request::post(asked.path())
            .header("authorization", format!("Bearer {API_KEY}"))
            .body(())
            .unwrap();
        fields.apply(request.headers_mut()).unwrap();
        let (request, ()) = request.into_parts();
        assert_eq!(stage.unknown(&request), None);
        stage.stop().await;
    }
}
