//! `guilloche verify --ask`: puts questions to a suspect model before its answers are examined.

use std::env;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http::Uri;
use tokio::runtime::Builder;
use zeroize::Zeroizing;

use super::super::Failure;
use super::super::paragraph::printable;
use crate::ask::{AskError, Cap, Ended, Prices, Progress, Report, Settings, ask, read_prompts};

#[derive(Debug, Args)]
#[command(next_help_heading = "Asking a model")]
pub(super) struct AskArguments {
    /// Ask this OpenAI-compatible endpoint the --prompts, and examine its answers
    #[arg(long, value_name = "URL", requires_all = ["model", "prompts", "cap"])]
    ask: Option<Uri>,
    /// Model to ask for
    #[arg(long, value_name = "NAME", requires = "ask")]
    model: Option<String>,
    /// Where the answers are kept; what is answered there is not asked again
    #[arg(long, value_name = "FILE", requires = "ask", default_value = "answers.jsonl")]
    answers: PathBuf,
    /// Tokens that may be spent in all, those of prompts included
    #[arg(long, value_name = "NUMBER", requires = "ask", group = "cap")]
    max_tokens_total: Option<u64>,
    /// Money that may be spent in all, in the currency of the prices
    #[arg(long, value_name = "AMOUNT", requires_all = ["ask", "price_input", "price_output"])]
    #[arg(group = "cap", value_parser = amount)]
    max_cost: Option<f64>,
    /// Price of a million tokens of prompts
    #[arg(long, value_name = "AMOUNT", requires = "max_cost", value_parser = amount)]
    price_input: Option<f64>,
    /// Price of a million tokens of answers
    #[arg(long, value_name = "AMOUNT", requires = "max_cost", value_parser = amount)]
    price_output: Option<f64>,
    /// Tokens that one answer may have
    #[arg(long, value_name = "NUMBER", requires = "ask", default_value_t = 512)]
    max_tokens: u32,
    /// Sampling temperature
    #[arg(long, value_name = "NUMBER", requires = "ask", default_value_t = 1.0)]
    #[arg(value_parser = amount)]
    temperature: f64,
    /// Requests at one time
    #[arg(long, value_name = "NUMBER", requires = "ask", default_value = "4")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..))]
    concurrency: u8,
    /// Environment variable with the API key
    #[arg(long, value_name = "VAR", requires = "ask")]
    api_key_env: Option<String>,
    /// Certificates to trust besides those of the system (PEM)
    #[arg(long, value_name = "FILE", requires = "ask")]
    ca_file: Option<PathBuf>,
}

/// A number from 0 up.
fn amount(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(amount) if (0.0..=1e12).contains(&amount) => Ok(amount),
        _ => Err("expected a number from 0 up".to_owned()),
    }
}

impl AskArguments {
    /// Asks, if that is wanted; the file of answers.
    pub(super) fn run(&self, prompts: &[PathBuf]) -> Result<Option<PathBuf>, Failure> {
        let (Some(url), Some(model)) = (&self.ask, &self.model) else { return Ok(None) };
        let settings = self.settings(url, model)?;
        let mut all = Vec::new();
        for path in prompts {
            all.extend(read_prompts(path)?);
        }
        let report = Builder::new_multi_thread().enable_all().build()?.block_on(async {
            let stop = async {
                // Without a handler for it there is nothing to wait for.
                if tokio::signal::ctrl_c().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            ask(&settings, all, stop, show).await
        });
        let report = report.map_err(|error| match &error {
            AskError::Refused(_) | AskError::NoAnswers { .. } => {
                Failure::from(format!("--ask {url}: {error}"))
            }
            _ => error.into(),
        })?;
        self.tell(&report);
        match report.ended {
            Ended::Stopped => Err("stopped; the same command goes on where it stopped".into()),
            Ended::Done | Ended::Cap if report.answered + report.answered_before == 0 => {
                Err(format!("--ask {url}: no prompt was answered").into())
            }
            Ended::Done | Ended::Cap => Ok(Some(self.answers.clone())),
        }
    }

    fn settings(&self, url: &Uri, model: &str) -> Result<Settings, Failure> {
        let api_key = match &self.api_key_env {
            None => None,
            Some(name) => {
                let key = env::var(name);
                Some(key.map_err(|error| format!("environment variable {name}: {error}"))?)
            }
        };
        let prices = self.price_input.zip(self.price_output);
        let cost = self.max_cost.zip(prices.map(|(input, output)| Prices { input, output }));
        Ok(Settings {
            url: url.clone(),
            ca_file: self.ca_file.clone(),
            model: model.to_owned(),
            api_key: api_key.map(Zeroizing::new),
            temperature: self.temperature,
            max_tokens: self.max_tokens,
            concurrency: self.concurrency.into(),
            cap: Cap { tokens: self.max_tokens_total, cost },
            attempts: 6,
            backoff: Duration::from_secs(1),
            timeout: Duration::from_secs(600),
            answers: self.answers.clone(),
        })
    }

    /// What was asked, on standard error: the report is about the text.
    fn tell(&self, report: &Report) {
        let Report { ended, prompts, answered_before, answered, given_up, requests, spent } =
            report;
        let mut told = format!(
            "{answered} of {prompts} prompts answered now, {answered_before} before, by {requests} \
             requests; {} tokens spent in all",
            spent.total()
        );
        if *ended == Ended::Cap {
            told.push_str("; the cap has no room for another request");
        }
        for (reason, number) in given_up {
            told.push_str(&format!("\n{number} given up: {}", printable(reason)));
        }
        let _ = writeln!(std::io::stderr(), "{told}");
    }
}

/// How far it has come, on a terminal.
fn show(progress: Progress) {
    let mut out = std::io::stderr();
    if out.is_terminal() {
        let Progress { answered, given_up, prompts, spent } = progress;
        let end = if answered + given_up == prompts { "\n" } else { "" };
        let _ = write!(
            out,
            "\rasking: {answered} of {prompts} answered, {given_up} given up, {} tokens {end}",
            spent.total()
        );
    }
}
