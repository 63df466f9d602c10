//! `guilloche teacher`: the embedded upstream alone.

use std::env;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use super::{Answer, Failure, standard_output};
use crate::proxy::serve_service;
use crate::teacher::{Settings, Teacher};

/// How long streams may go on after ctrl-c.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// Run the embedded upstream alone.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  guilloche teacher --listen 127.0.0.1:8001 --tokens-per-second 60"
)]
pub(crate) struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8001")]
    listen: SocketAddr,
    /// Tokens written per second and stream; as fast as the client reads when left out.
    #[arg(long, value_parser = rate)]
    tokens_per_second: Option<f64>,
    /// Milliseconds before the first token.
    #[arg(long, default_value_t = 0)]
    first_token_delay: u64,
    /// Environment variable with the key that clients must send.
    #[arg(long, value_name = "VAR")]
    api_key_env: Option<String>,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.0..=1e6).contains(&rate) => Ok(rate),
        _ => Err("expected a number from 0 to 1000000".to_owned()),
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments { listen, tokens_per_second, first_token_delay, api_key_env } = arguments;
    let api_key = match &api_key_env {
        Some(name) => {
            Some(env::var(name).map_err(|error| format!("environment variable {name}: {error}"))?)
        }
        None => None,
    };
    let teacher = Teacher::new(Settings {
        tokens_per_second,
        first_token_delay: Duration::from_millis(first_token_delay),
        api_key,
        ..Settings::default()
    });
    Builder::new_multi_thread().enable_all().build()?.block_on(serve(
        listen,
        teacher,
        api_key_env.as_deref(),
    ))
}

async fn serve(listen: SocketAddr, teacher: Teacher, key: Option<&str>) -> Result<Answer, Failure> {
    let listener = TcpListener::bind(listen).await.map_err(|error| format!("{listen}: {error}"))?;
    let address = listener.local_addr()?;
    let header = key.map_or(String::new(), |name| format!(" -H \"authorization: Bearer ${name}\""));
    writeln!(
        standard_output::lock(),
        "teacher listens on http://{address}\ntry: curl -N http://{address}/v1/chat/completions{header} -d '{{\"model\":\"teacher-large\",\"stream\":true,\
         \"messages\":[{{\"role\":\"user\",\"content\":\"Maria has 12 apples and buys 5 more. How many apples does she have?\"}}]}}'"
    )?;
    let stop = async {
        // Without a handler for it there is nothing to wait for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    serve_service(listener, teacher, stop, SHUTDOWN).await;
    Ok(Answer::Done)
}
