//! The harvester's loot, and what its examination says.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::caller::Asked;
use super::stage::{Door, Stage, together};
use crate::cli::progress::Progress;
use crate::cli::{Failure, verify};
use crate::forensics::examination::{Outcome, Verdict};
use crate::teacher::problem::Problems;

/// Problems that are answered for the loot, and as many others for the control.
const ANSWERS: usize = 1_200;
/// The harvester's accounts.
const ACCOUNTS: usize = 3;
/// How suspicious they are: enough for `policies/marked.toml` to mark at full strength.
const SCORE: f64 = 0.65;
/// Questions under way at one time.
const AT_ONCE: usize = 32;
/// Sets these problems apart from those that the other scenes ask.
const SEED: u64 = 1_000_003;

/// What the examination of a text said.
#[derive(Debug, Serialize)]
pub(super) struct Examined {
    pub(super) words: usize,
    pub(super) outcome: Outcome,
    pub(super) sentence: String,
}

/// The marked loot, and the same answers without marks.
#[derive(Debug, Serialize)]
pub(super) struct Harvest {
    pub(super) answers: usize,
    pub(super) accounts: usize,
    pub(super) score: f64,
    pub(super) loot: Examined,
    pub(super) unmarked: Examined,
    /// What was run, to be run again while the files are there.
    pub(super) command: String,
}

impl Harvest {
    /// Lets the harvester's accounts ask, and examines what they got.
    pub(super) async fn reap(stage: &Stage, seed: u64) -> Result<Self, Failure> {
        let mut problems = Problems::new(seed.wrapping_add(SEED)).map(|problem| problem.text);
        let asked: Vec<String> = problems.by_ref().take(ANSWERS).collect();
        let others: Vec<String> = problems.take(ANSWERS).collect();
        let mut progress = Progress::new("the harvest");
        let mut answers = async |questions: &[String], marked| {
            answers(stage, questions, marked, &mut progress).await
        };
        let texts = [
            ("loot.jsonl", answers(&asked, true).await?),
            ("unmarked.jsonl", answers(&asked, false).await?),
            ("control.jsonl", answers(&others, false).await?),
        ];
        progress.say("examining");
        for (name, texts) in &texts {
            std::fs::write(stage.file(name), lines(texts)?)?;
        }
        let [loot, unmarked, control] =
            texts.map(|(name, texts)| (stage.file(name), words(&texts)));
        let line = |suspect: &Path| command(stage, suspect, &control.0);
        let command = line(&loot.0).join(" ");
        let [loot, unmarked] = [loot, unmarked].map(|(file, words)| (line(&file), words));
        Ok(Self {
            answers: ANSWERS,
            accounts: ACCOUNTS,
            score: SCORE,
            loot: examined(loot).await?,
            unmarked: examined(unmarked).await?,
            command,
        })
    }
}

/// The answers to these questions: to the harvester, marked, or straight from the upstream.
async fn answers(
    stage: &Stage,
    questions: &[String],
    marked: bool,
    progress: &mut Progress,
) -> Result<Vec<String>, Failure> {
    let mut answers = Vec::new();
    let all = questions.len();
    let mut accounts = (0..ACCOUNTS).map(|number| format!("hydra-{number}")).cycle();
    for questions in questions.chunks(AT_ONCE) {
        let asked = questions.iter().zip(accounts.by_ref()).map(|(question, account)| {
            let asked =
                Asked { protocol: "chat", stream: true, question, log_probabilities: false };
            let door = if marked { Door::Marking(SCORE) } else { Door::Upstream };
            Box::pin(async move { stage.ask(&asked, &account, door).await })
        });
        for received in together(asked.collect()).await {
            answers.push(received?.answer);
        }
        let kind = if marked { "marked" } else { "unmarked" };
        progress.say(format_args!("{} of {} {kind} answers", answers.len(), all));
    }
    Ok(answers)
}

fn lines(texts: &[String]) -> Result<String, Failure> {
    let mut lines = String::new();
    for text in texts {
        writeln!(lines, "{}", serde_json::json!({ "text": text }))?;
    }
    Ok(lines)
}

fn words(texts: &[String]) -> usize {
    texts.iter().map(|text| text.split_whitespace().count()).sum()
}

/// The command that examines a suspect.
fn command(stage: &Stage, suspect: &Path, control: &Path) -> Vec<String> {
    let path = |path: PathBuf| path.display().to_string();
    [
        "guilloche",
        "verify",
        "--keys",
        &path(stage.file("mark.keys")),
        "--ledger",
        &path(stage.file("mark.ledger")),
        "--suspect",
        &suspect.display().to_string(),
        "--control",
        &format!("upstream={}", control.display()),
    ]
    .map(str::to_owned)
    .into()
}

async fn examined((command, words): (Vec<String>, usize)) -> Result<Examined, Failure> {
    // Decoys keep every core busy; the servers go on meanwhile.
    let verdict =
        tokio::task::spawn_blocking(move || verify::verdict(command.get(1..).unwrap_or_default()));
    let Verdict { outcome, sentence, .. } = verdict.await??;
    Ok(Examined { words, outcome, sentence })
}
