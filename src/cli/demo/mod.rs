//! `guilloche demo`: the embedded upstream, the proxy, an ordinary caller and a harvester.

mod caller;
mod experiment;
mod harvest;
mod report;
mod servers;
mod stage;
mod text;

use clap::{Args, Subcommand};

use self::caller::{Asked, Received};
use self::harvest::Harvest;
use self::report::{Burst, Report, Row};
use self::stage::{ORDINARY, Stage};
use self::text::Printer;
use super::progress::Progress;
use super::{Answer, Failure, Format};
use crate::teacher::problem::Problems;

/// How many problems each caller asks.
const PROBLEMS: usize = 3;
/// Requests that the harvester's accounts send at once, and how many accounts.
const BURST: (usize, usize) = (30, 5);
/// The protocols, by name.
const PROTOCOLS: [&str; 2] = ["chat", "messages"];

/// See what each caller gets: an ordinary one and a harvester at rising scores.
///
/// Starts the embedded upstream and the proxy with policies/graded.toml, asks the same problems as
/// both, and prints what each received, as it comes; then marks a harvest with policies/marked.toml and examines
/// it. Nothing leaves the machine.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  guilloche demo\n  guilloche demo --keep\n  guilloche demo experiment",
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    other: Option<Other>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Stay up afterwards, and print requests to try.
    #[arg(long)]
    keep: bool,
    /// Which problems are asked.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What else can be seen.
#[derive(Debug, Subcommand)]
enum Other {
    Experiment(experiment::Arguments),
}

pub(crate) fn run(mut arguments: Arguments) -> Result<Answer, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match arguments.other.take() {
            Some(Other::Experiment(arguments)) => experiment::play(arguments).await,
            None => play(arguments).await,
        }
    })
}

async fn play(Arguments { other: _, format, keep, seed }: Arguments) -> Result<Answer, Failure> {
    let stage = Stage::start().await?;
    let questions: Vec<String> = Problems::new(seed)
        .filter(|problem| problem.steps >= 4)
        .take(PROBLEMS)
        .map(|problem| problem.text)
        .collect();
    let question = questions.first().cloned().unwrap_or_default();
    // What is found is printed as soon as it is: the harvest alone takes most of the time.
    let printer = Printer::new(format);
    printer.opening(questions.len())?;
    let (mut rows, mut ordinary, mut harvester) = (Vec::new(), None, None);
    for (name, score) in stage.scores() {
        let mut progress = Progress::new(name);
        progress.say("asking");
        let received = ask_all(&stage, name, &questions, score).await?;
        drop(progress);
        match score {
            Some(score) if score < 0.1 => ordinary = received.first().cloned(),
            Some(score) if (0.7..0.9).contains(&score) => harvester = received.first().cloned(),
            _ => {}
        }
        let row = Row::new(name, score, stage.grade(score), &received);
        printer.row(&row)?;
        rows.push(row);
    }
    let (ordinary, harvester) = (ordinary.unwrap_or_default(), harvester.unwrap_or_default());
    let identical = identical(&stage, &questions).await?;
    printer.identical(identical)?;
    printer.side_by_side(&question, &ordinary, &harvester)?;
    let burst = burst(&stage, &question).await?;
    printer.burst(&burst)?;
    let decided = rows.iter().filter(|row| row.grade.is_some()).map(|row| row.requests);
    let audit = stage.audit(decided.sum::<usize>() + burst.requests).await?;
    printer.audit(&audit)?;
    let harvest = Harvest::reap(&stage, seed).await?;
    printer.verdict(&harvest)?;
    let report = Report { rows, identical, burst, question, harvest, audit };
    if format == Format::Json {
        text::print_json(&report)?;
    }
    if keep {
        text::print_invitation(&stage, &report)?;
        tokio::signal::ctrl_c().await?;
    }
    stage.stop().await;
    Ok(Answer::Done)
}

/// Asks every question as one caller, over the chat protocol as a stream.
async fn ask_all(
    stage: &Stage,
    account: &str,
    questions: &[String],
    score: Option<f64>,
) -> Result<Vec<Received>, Failure> {
    let mut received = Vec::new();
    for question in questions {
        let asked = Asked { protocol: "chat", stream: true, question, log_probabilities: true };
        received.push(stage.ask(&asked, account, score).await?);
    }
    Ok(received)
}

/// How many of the ordinary caller's answers are the upstream's own bytes, and of how many, over
/// both protocols, as documents and as streams.
async fn identical(stage: &Stage, questions: &[String]) -> Result<(usize, usize), Failure> {
    let (mut same, mut all) = (0, 0);
    for question in questions {
        for protocol in PROTOCOLS {
            for stream in [false, true] {
                let asked = Asked { protocol, stream, question, log_probabilities: false };
                let direct = stage.ask(&asked, "upstream", None).await?;
                let proxied = stage.ask(&asked, ORDINARY, Some(0.05)).await?;
                all += 1;
                same += usize::from(direct.body == proxied.body && direct.status == proxied.status);
            }
        }
    }
    Ok((same, all))
}

/// Sends many requests at once from the accounts of one cluster.
async fn burst(stage: &Stage, question: &str) -> Result<Burst, Failure> {
    let (requests, accounts) = BURST;
    let asked = Asked { protocol: "messages", stream: true, question, log_probabilities: false };
    let names: Vec<String> = (0..requests).map(|n| format!("hydra-{}", n % accounts)).collect();
    let waiting =
        names.iter().map(|account| Box::pin(stage.ask(&asked, account, Some(0.75)))).collect();
    let mut burst = Burst { requests, accounts, ..Burst::default() };
    for answer in stage::together(waiting).await {
        let answer = answer?;
        match answer.status {
            200 => burst.answered += 1,
            429 => burst.limited += 1,
            _ => {}
        }
        burst.retry_after = burst.retry_after.max(answer.retry_after);
    }
    Ok(burst)
}
