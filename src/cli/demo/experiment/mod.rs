//! `guilloche demo experiment`: two policies on live traffic, from the first request to the verdict.

mod files;
mod population;

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use tokio::time::Instant;

use self::population::{Account, Draws, harvesters, ordinary};
use super::caller::{Asked, Caller};
use super::servers::Servers;
use super::stage::{self, together};
use crate::cli::experiment::Reported;
use crate::cli::paragraph::write_wrapped;
use crate::cli::progress::Progress;
use crate::cli::{Answer, Failure, Format, standard_output};
use crate::risk::{AccountId, ClusterId, Principal, Signer, SigningKey};
use crate::teacher::Settings;
use crate::teacher::problem::Problems;

/// Requests under way at one time.
const AT_ONCE: usize = 64;
/// Distinct questions.
const QUESTIONS: usize = 64;

/// Compare two policies on live traffic, from the first request to the verdict.
///
/// Starts the embedded upstream and the proxy with an experiment of two arms: one observes, the other
/// withholds reasoning from 0.4 on. Ordinary accounts and clusters of harvesting accounts ask through
/// the proxy; then the report is written from its audit and from complaints that are made up, alike
/// in both arms. Nothing leaves the machine.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 ship or continue; 1 rollback or invalid.\n\nExamples:\n  \
    guilloche demo experiment --report experiment.html\n  \
    guilloche demo experiment --clusters 5   # too few to conclude anything\n  \
    guilloche demo experiment --harmful      # the proxy rolls it back by itself")]
pub(super) struct Arguments {
    /// Clusters of harvesters, of 5 to 400 accounts.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(2..=200))]
    clusters: u16,
    /// Ordinary accounts.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u16).range(2..=20_000))]
    accounts: u16,
    /// Have the arm that withholds turn ordinary callers away, too.
    #[arg(long)]
    harmful: bool,
    /// Who asks what.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also write the report as one page of HTML.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn play(arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments { clusters, accounts, harmful, seed, report, format } = arguments;
    let mut draws = Draws::new(seed);
    let legitimate = ordinary(accounts.into(), &mut draws);
    let suspected = harvesters(clusters.into(), &mut draws);
    let secrets = files::Secrets::draw()?;
    let began = Timestamp::now();
    let servers =
        Servers::start("experiment", Settings::default(), &secrets.files(harmful, began)).await?;
    let proxy = servers.proxy(files::configuration(&servers)).await?;
    let signer = Signer::new(SigningKey::new("demo", secrets.detector.expose())?);

    let mut requests: Vec<&Account> = Vec::new();
    for account in legitimate.iter().chain(&suspected) {
        requests.extend((0..account.requests).map(|_| account));
    }
    draws.shuffle(&mut requests);
    let questions: Vec<String> = Problems::new(seed).map(|it| it.text).take(QUESTIONS).collect();
    let started = Instant::now();
    let (caller, mut progress) = (Caller::new(), Progress::new("the experiment"));
    let mut turned_away = 0;
    for (number, chunk) in requests.chunks(AT_ONCE).enumerate() {
        let asking =
            chunk.iter().zip(questions.iter().cycle().skip(number)).map(|(account, question)| {
                let (caller, signer, address) = (&caller, &signer, proxy.address);
                Box::pin(async move {
                    let asked = Asked {
                        protocol: "chat",
                        stream: false,
                        question,
                        log_probabilities: false,
                    };
                    let cluster = account.cluster.as_deref().map(ClusterId::new).transpose()?;
                    let principal =
                        Principal { cluster, ..Principal::of(AccountId::new(&account.name)?) };
                    let fields =
                        stage::sign(signer, principal, account.score, (asked.path(), None))?;
                    caller.ask(address, &asked, Some(&fields)).await
                })
            });
        for received in together(asking.collect()).await {
            turned_away += usize::from(received?.status != 200);
        }
        progress.say(format_args!("{} of {} requests", (number + 1) * AT_ONCE, requests.len()));
    }
    drop(progress);
    let seconds = started.elapsed().as_secs_f64();
    // Files tell whole seconds, and what is written behind the end tells that it has come.
    let ended = Timestamp::from_second(Timestamp::now().as_second() + 1)?;
    tokio::time::sleep(ended.duration_since(Timestamp::now()).unsigned_abs()).await;
    // What units met is written to the last when the proxy ends.
    proxy.end().await;
    servers.write("experiment.toml", &files::experiment(began, ended))?;
    servers.write("complaints.csv", &files::complaints(&legitimate, began, &mut draws))?;
    if format == Format::Text {
        let words = format!(
            "{} ordinary accounts and {} clusters of {} harvesting accounts asked through the proxy: {} \
             requests in {seconds:.0} s, of which {turned_away} were turned away. What follows is `guilloche \
             experiment report` on its audit.",
            legitimate.len(),
            clusters,
            suspected.len(),
            requests.len(),
        );
        let mut out = standard_output::lock();
        write_wrapped(&mut out, "", "", &words)?;
        writeln!(out)?;
    }
    let answer = Reported {
        experiment: servers.file("experiment.toml"),
        audit: servers.file("audit.jsonl"),
        outcomes: servers.file("complaints.csv"),
        state: servers.file("state"),
        secret_file: servers.file("secret.key"),
        page: report,
        format,
    }
    .run();
    servers.stop().await;
    answer
}
