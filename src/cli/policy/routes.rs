//! `guilloche policy routes`: what becomes of requests for each path of an upstream.

use std::io::{self, Write};

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::super::{Answer, Failure, Format, standard_output};
use crate::wire::{KnownRoute, ServerKind, Verdict};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The kind of server, as in `[upstream] kind`.
    #[arg(
        long,
        default_value = ServerKind::Custom.name(),
        value_parser = PossibleValuesParser::new(ServerKind::ALL.map(ServerKind::name))
    )]
    upstream: String,
    /// How the table is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let kind = ServerKind::from_name(&arguments.upstream).unwrap_or_default();
    let mut out = standard_output::lock();
    match arguments.format {
        Format::Text => write_text(&mut out, kind)?,
        Format::Json => {
            let routes: Vec<Value> = kind.routes().map(|route| entry(&route)).collect();
            writeln!(out, "{:#}", json!({ "upstream": kind.name(), "routes": routes }))?;
        }
    }
    Ok(Answer::Done)
}

fn write_text(out: &mut impl Write, kind: ServerKind) -> io::Result<()> {
    let rows: Vec<[String; 3]> =
        kind.routes().map(|route| [methods(&route), shown(&route), verdict(&route)]).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let (first, second) = (width(0), width(1));
    for [methods, path, verdict] in &rows {
        writeln!(out, "{methods:first$}  {path:second$}  {verdict}")?;
    }
    let below = "\n… is whatever stands before (/v1, /openai/deployments/NAME), * whatever comes \
                 after. Refused are callers\nwho have reached a grade; others get the upstream's \
                 answer on every path. What is not listed follows\n`unknown_routes` of the policy.";
    writeln!(out, "{below}")
}

fn methods(route: &KnownRoute) -> String {
    route.methods.iter().map(http::Method::as_str).collect::<Vec<_>>().join(",")
}

fn shown(route: &KnownRoute) -> String {
    if route.whole { route.path.to_owned() } else { format!("…{}{}", route.front, route.path) }
}

fn verdict(route: &KnownRoute) -> String {
    let name = route.verdict.name().replace('_', " ");
    match route.verdict {
        Verdict::Read(id) | Verdict::Stored(id) => format!("{name}: {}", id.name()),
        Verdict::Refused(way) => format!("{name}: {}", way.why()),
        Verdict::NoText | Verdict::Open => name,
    }
}

fn entry(route: &KnownRoute) -> Value {
    let methods: Vec<&str> = route.methods.iter().map(http::Method::as_str).collect();
    let path = [route.front, route.path].concat();
    let mut entry = json!({ "methods": methods, "path": path, "verdict": route.verdict.name() });
    let more = match route.verdict {
        Verdict::Read(id) | Verdict::Stored(id) => Some(("protocol", id.name())),
        Verdict::Refused(way) => Some(("why", way.why())),
        Verdict::NoText | Verdict::Open => None,
    };
    if let (Some((name, value)), Some(entry)) = (more, entry.as_object_mut()) {
        entry.insert(name.to_owned(), json!(value));
    }
    entry
}
