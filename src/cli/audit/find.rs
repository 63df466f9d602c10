//! `guilloche audit find`: what is recorded of a decision or a principal.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::super::paragraph::{clipped, printable, write_wrapped};
use super::super::progress::Progress;
use super::super::{Answer, Failure, Format, files_read, secrets, serve, standard_output};
use super::span::Asked;
use crate::audit::reader;
use crate::audit::{
    Applied, AuditKey, Entry, KeyedHash, Line, PrincipalHashes, Record, Risk, UnitName,
};
use crate::page::words::{duration, grouped};
use crate::proxy::Config;
use crate::review::Span;

pub(super) const EXAMPLE: &str = "\
With --format json each entry is printed on a line of its own, as the audit has it. The names are hashed
under the deployment's secret, as the proxy does it; nothing of the secret is printed.

Examples:
  guilloche audit find --decision gd_0123456789abcdef0123456789abcdef audit.jsonl
  guilloche audit find --account acct-7 --config guilloche.toml --since 24h audit.jsonl
  guilloche audit find --cluster hydra-3 --secret-file secret.key --format json audit/*.jsonl.zst
  guilloche audit find --hash 5f0c… audit.jsonl    # as a report names accounts";

#[derive(Debug, Args)]
#[group(id = "sought", required = true, multiple = true, args = ["decision", "account", "cluster", "only_tenant", "hash"])]
pub(super) struct Arguments {
    /// Audit files, plain or compressed; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    audits: Vec<PathBuf>,
    /// The id of a decision, as an answer or the access log names it.
    #[arg(long, value_name = "ID")]
    decision: Vec<String>,
    /// An account, as the detector names it.
    #[arg(long, value_name = "NAME")]
    account: Vec<String>,
    /// A cluster.
    #[arg(long, value_name = "NAME")]
    cluster: Vec<String>,
    /// The tenant that --account and --cluster are of: two tenants may name an account alike.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// All of a tenant.
    #[arg(long, value_name = "NAME", conflicts_with = "tenant")]
    only_tenant: Vec<String>,
    /// An account, a cluster or a tenant by its hash.
    #[arg(long, value_name = "HASH")]
    hash: Vec<KeyedHash>,
    /// Configuration of the proxy, whose [secret] is taken, and those before it.
    #[arg(long, value_name = "FILE", conflicts_with = "secret_file")]
    config: Option<PathBuf>,
    /// The deployment's secret (`secret.key_file`); or set GUILLOCHE_SECRET_KEY. Several where the secret
    /// was exchanged.
    #[arg(long, value_name = "FILE")]
    secret_file: Vec<PathBuf>,
    #[command(flatten)]
    asked: Asked,
    /// How entries are written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What is sought.
#[derive(Debug, Default)]
struct Sought {
    decisions: HashSet<String>,
    principals: HashSet<KeyedHash>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let sought = sought(arguments)?;
    let span = arguments.asked.span()?;
    let mut out = standard_output::lock();
    let mut progress = Progress::new("audit");
    let (mut found, mut failure) = (0_u64, None);
    let look = |entry: Entry| sought.has(&entry, span).then_some(entry);
    let take = |entry: Option<Entry>| {
        let Some(entry) = entry.filter(|_| failure.is_none()) else { return };
        found += 1;
        let written = match arguments.format {
            Format::Text => write_text(&mut out, &entry),
            Format::Json => write_json(&mut out, &entry),
        };
        failure = written.err();
    };
    let files = reader::read(&arguments.audits, look, take, |bytes| progress.read(bytes))?;
    drop(progress);
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    // Standard output holds what was found, and nothing else.
    let mut told = io::stderr().lock();
    files_read::write(&mut told, &files)?;
    Ok(match files_read::answer(&files) {
        Answer::Done if found == 0 => {
            writeln!(told, "nothing is recorded of what is sought")?;
            Answer::No
        }
        answer => answer,
    })
}

fn sought(arguments: &Arguments) -> Result<Sought, Failure> {
    let Arguments { decision, account, cluster, tenant, only_tenant, hash, .. } = arguments;
    let mut sought = Sought {
        decisions: decision.iter().cloned().collect(),
        principals: hash.iter().copied().collect(),
    };
    if account.is_empty() && cluster.is_empty() && only_tenant.is_empty() {
        return Ok(sought);
    }
    for key in keys(arguments)? {
        let tenant = tenant.as_ref().map(|name| key.tenant(name));
        sought.principals.extend(account.iter().map(|name| key.account(name, tenant)));
        sought.principals.extend(cluster.iter().map(|name| key.cluster(name, tenant)));
        sought.principals.extend(only_tenant.iter().map(|name| key.tenant(name)));
    }
    Ok(sought)
}

/// The keys under which the audit may have hashed names: of the secret, and of those before it.
fn keys(arguments: &Arguments) -> Result<Vec<AuditKey>, Failure> {
    if let Some(file) = &arguments.config {
        let config = Config::load(file, &serve::environment())?;
        let secrets = config.secret.iter().chain(&config.previous_secrets);
        let keys: Vec<_> = secrets.map(AuditKey::of_deployment).collect();
        if keys.is_empty() {
            return Err(format!(
                "{}: there is no [secret], so that no audit agrees",
                file.display()
            )
            .into());
        }
        return Ok(keys);
    }
    let files: Vec<_> = arguments.secret_file.iter().map(|file| Some(file.as_path())).collect();
    let files = if files.is_empty() { vec![None] } else { files };
    let mut keys = Vec::new();
    for file in files {
        keys.extend(secrets::audit_key(file)?);
    }
    if keys.is_empty() {
        return Err("an audit has hashes of names, under the deployment's secret: give it with \
                    --secret-file or --config, or seek by --hash"
            .into());
    }
    Ok(keys)
}

impl Sought {
    fn has(&self, entry: &Entry, span: Span) -> bool {
        let (time, decision, principal, units) = match entry {
            Entry::Record(record) => {
                (record.time, Some(&record.decision), Some(&record.principal), [None, None])
            }
            Entry::Line(Line::Exposure(it)) => {
                (it.time, Some(&it.decision), Some(&it.principal), [Some(it.unit), None])
            }
            Entry::Line(Line::Unit(it)) => (it.time, None, None, [Some(it.unit), None]),
            Entry::Line(Line::Joined(it)) => (it.time, None, None, [Some(it.part), Some(it.unit)]),
            Entry::Line(Line::Passed(_) | Line::Lost(_)) => return false,
        };
        let names = |unit: &UnitName| match unit {
            UnitName::Cluster(hash) | UnitName::Account(hash) => self.principals.contains(hash),
            UnitName::Slot(_) => false,
        };
        span.holds(time)
            && (decision.is_some_and(|decision| self.decisions.contains(&decision.0))
                || principal.is_some_and(|principal| self.names(principal))
                || units.iter().flatten().any(names))
    }

    fn names(&self, principal: &PrincipalHashes) -> bool {
        let PrincipalHashes { account, cluster, tenant } = principal;
        let has = |hash: &KeyedHash| self.principals.contains(hash);
        has(account) || cluster.as_ref().is_some_and(has) || tenant.as_ref().is_some_and(has)
    }
}

fn write_json(out: &mut impl Write, entry: &Entry) -> io::Result<()> {
    match entry {
        Entry::Record(record) => serde_json::to_writer(&mut *out, record)?,
        Entry::Line(line) => serde_json::to_writer(&mut *out, line)?,
    }
    writeln!(out)
}

fn write_text(out: &mut impl Write, entry: &Entry) -> io::Result<()> {
    match entry {
        Entry::Record(record) => write_record(out, record),
        Entry::Line(line) => {
            let told = printable(&serde_json::to_string(line)?);
            write_wrapped(out, "", "  ", &told.replace(',', ", "))
        }
    }
}

fn write_record(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let PrincipalHashes { account, cluster, tenant } = record.principal;
    writeln!(out, "{:.3}  {}", record.time, clipped(&record.decision.0, 48))?;
    writeln!(out, "  account   {account}")?;
    for (what, hash) in [("cluster", cluster), ("tenant ", tenant)] {
        hash.map_or(Ok(()), |hash| writeln!(out, "  {what}   {hash}"))?;
    }
    let risk = match &record.risk {
        Risk::Known { score, model, confidence } => {
            let model =
                model.as_ref().map_or(String::new(), |it| format!(", by {}", printable(it)));
            let sure = confidence.map_or(String::new(), |it| format!(", confidence {it}"));
            format!("score {score}{sure}{model}")
        }
        Risk::Unknown { reason } => format!("unknown: {}", printable(reason)),
    };
    write_wrapped(out, "  risk      ", "            ", &risk)?;
    let mut decided = match record.grade.as_str() {
        "" => "no grade".to_owned(),
        grade => format!("grade {}", printable(grade)),
    };
    let (name, revision) = (&record.policy.name, &record.policy.revision);
    decided += &format!(", policy {} {}", printable(name), printable(revision));
    decided += &format!(", {}", crate::audit::record::mode_name(record.mode));
    if let Some(arm) = &record.arm {
        decided += &format!(", arm {}", printable(arm));
    }
    if let Some(exempt) = record.exempt {
        decided += match exempt {
            crate::audit::Exempt::Whole => ", exempt",
            crate::audit::Exempt::Part => ", exempt in part",
        };
    }
    write_wrapped(out, "  decided   ", "            ", &decided)?;
    let form = if record.stream { "stream" } else { "document" };
    let status = record.status.map_or(String::new(), |status| format!(" with {status}"));
    let mut ended =
        format!("{}, {form}: {}{status}", printable(&record.protocol), record.outcome.name());
    if let Some(first_byte) = record.durations.first_byte_ms {
        ended += &format!(", first byte after {}", duration(first_byte));
    }
    ended += &format!(", end after {}", duration(record.durations.total_ms));
    write_wrapped(out, "  ended     ", "            ", &ended)?;
    write_list(out, "  done      ", &record.applied)?;
    write_list(out, "  observed  ", &record.observed)?;
    for (arm, observed) in &record.other_arms {
        write_list(out, &format!("  arm {}: ", clipped(arm, 24)), observed)?;
    }
    Ok(())
}

fn write_list(out: &mut impl Write, head: &str, list: &[Applied]) -> io::Result<()> {
    for applied in list {
        let mut told: Vec<String> = applied.carrier.iter().map(|it| it.name().to_owned()).collect();
        let counts = applied.counts.iter();
        told.extend(
            counts.map(|(counter, amount)| format!("{} {}", counter.name(), grouped(amount))),
        );
        let names = applied.members.iter().chain(&applied.dialects);
        told.extend(names.map(|name| printable(name)));
        let told = format!("{}: {}", applied.countermeasure.name(), told.join(", "));
        let told = told.trim_end_matches([':', ' ']);
        write_wrapped(out, head, "            ", told)?;
    }
    Ok(())
}
