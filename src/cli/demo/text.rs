//! The report in words, 80 columns wide.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::json;

use super::harvest::Harvest;
use super::report::{Burst, Report, Row};
use super::stage::Stage;
use super::{Asked, Failure};
use crate::audit::Counter;

const WIDTH: usize = 80;

pub(super) fn print(report: &Report) -> Result<(), Failure> {
    let out = &mut io::stdout().lock();
    let problems = report.rows.first().map_or(0, |row| row.requests);
    writeln!(
        out,
        "{problems} word problems, asked over Chat Completions as streams, with log-probabilities."
    )?;
    writeln!(out, "Words are summed over the problems; the policy is policies/graded.toml.\n")?;
    writeln!(
        out,
        "caller              score  grade          model          reasoning  answer  tok/s"
    )?;
    for row in &report.rows {
        writeln!(out, "{}", line(row))?;
    }
    let (same, all) = report.identical;
    writeln!(out, "\nThe ordinary caller got the upstream's bytes in {same} of {all} answers")?;
    writeln!(out, "(Chat Completions and Messages, as documents and as streams).\n")?;
    side_by_side(out, report)?;
    let Burst { requests, accounts, answered, limited, retry_after } = &report.burst;
    writeln!(
        out,
        "\n{requests} requests at once from {accounts} accounts of one cluster, at score 0.75:"
    )?;
    let retry =
        retry_after.map_or(String::new(), |seconds| format!(", retry-after up to {seconds} s"));
    writeln!(out, "{answered} answered, {limited} refused with 429{retry}.\n")?;
    audit(out, report)?;
    verdict(out, &report.harvest)
}

fn line(row: &Row) -> String {
    let Row { caller, score, grade, status, model, reasoning_words, answer_words, .. } = row;
    let score = score.map_or("-".to_owned(), |score| format!("{score:.2}"));
    let grade = grade.as_deref().unwrap_or("-");
    if *status != 200 {
        return format!("{caller:<19} {score:<6} {grade:<14} refused with status {status}");
    }
    let rate = row.tokens_per_second.map_or("-".to_owned(), |rate| format!("{rate:.0}"));
    let leak = if row.log_probabilities { " +logprobs" } else { "" };
    format!(
        "{caller:<19} {score:<6} {grade:<14} {model:<14} {reasoning_words:>9} {answer_words:>7} {rate:>6}{leak}"
    )
}

/// The first problem, as the ordinary caller and as the harvester got it answered.
fn side_by_side(out: &mut impl Write, report: &Report) -> Result<(), Failure> {
    const COLUMN: usize = (WIDTH - 3) / 2;
    for line in wrap(&format!("One of the problems: {}", report.question), WIDTH) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)?;
    let column = |title: &str, received: &super::Received| {
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
    let left = column("ORDINARY CALLER", &report.ordinary);
    let right = column("HARVESTER, SCORE 0.75", &report.harvester);
    for index in 0..left.len().max(right.len()) {
        let cell = |lines: &[String]| lines.get(index).cloned().unwrap_or_default();
        let line = format!("{:<COLUMN$} | {}", cell(&left), cell(&right));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// What the audit says was done, by grade.
fn audit(out: &mut impl Write, report: &Report) -> Result<(), Failure> {
    let mut grades: BTreeMap<&str, (usize, BTreeMap<&str, u64>)> = BTreeMap::new();
    for record in &report.audit {
        let (records, counts) = grades.entry(&record.grade).or_default();
        *records += 1;
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
        report.audit.len()
    )?;
    for (grade, (records, counts)) in grades {
        let counts: Vec<String> =
            counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let text = format!("{grade}: {records} decisions; {}", counts.join(", "));
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
    Ok(writeln!(io::stdout().lock(), "{report:#}")?)
}

/// Requests to try while the demo stays up.
pub(super) fn print_invitation(stage: &Stage, report: &Report) -> Result<(), Failure> {
    let out = &mut io::stdout().lock();
    let question = report.question.as_str();
    let asked = Asked { protocol: "chat", stream: true, question, log_probabilities: false };
    let body = asked.body().to_string().replace('\'', "'\\''");
    let url = format!("http://{}{}", stage.proxy, asked.path());
    writeln!(
        out,
        "\nStill up until ctrl-c. The upstream is http://{}, the proxy http://{}.",
        stage.upstream, stage.proxy
    )?;
    writeln!(
        out,
        "\n# As an ordinary caller:\ncurl -N {url} \\\n  -H 'content-type: application/json' -d '{body}'"
    )?;
    let fields = stage.sign("acct-7", 0.75, asked.path())?;
    writeln!(out, "\n# The same with the header of a detector that says 0.75 (good for an hour):")?;
    writeln!(out, "curl -N {url} \\\n  -H 'content-type: application/json' \\")?;
    for (name, value) in fields.entries() {
        writeln!(out, "  -H '{name}: {value}' \\")?;
    }
    writeln!(out, "  -d '{body}'")?;
    let (name, value) = (
        "default_headers",
        fields.entries().map(|(name, value)| format!("{name:?}: {value:?}")).join(",\n    "),
    );
    writeln!(
        out,
        "\n# And from the vendor's Python library:\nimport openai\nclient = openai.OpenAI(base_url=\"http://{}/v1\", api_key=\"none\", {name}={{\n    {value}}})",
        stage.proxy
    )?;
    writeln!(
        out,
        "print(client.chat.completions.create(model=\"teacher-large\",\n    messages=[{{\"role\": \"user\", \"content\": {question:?}}}]).choices[0].message)"
    )?;
    writeln!(out, "\n# The examination, with a page to look at:")?;
    writeln!(out, "{} \\\n  --report report.html", report.harvest.command)?;
    Ok(())
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
