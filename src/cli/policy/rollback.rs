//! `guilloche policy rollback`: a policy that was served before, put back.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::super::{Answer, Failure, Format, configuration, serve, standard_output};
use crate::new_file::{PRIVATE, PUBLIC, create, replace};
use crate::policy::signature::{Signers, signature_path};
use crate::policy::{Policy, Revision};
use crate::proxy::Served;
use crate::proxy::config::PolicySettings;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Configuration of the proxy, whose policy.file and policy.history are meant [default: the one that
    /// `serve` takes]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Revision to put back [default: the last one that was served and is not there now]
    #[arg(long, value_name = "REVISION")]
    to: Option<String>,
    /// Tell what has been served, and change nothing
    #[arg(long, conflicts_with = "to")]
    list: bool,
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments { config, to, list, format } = arguments;
    let path = configuration::find(config)?;
    let PolicySettings { file, signers, history, .. } =
        PolicySettings::load(&path, &serve::environment())?;
    let lacks = |field: &str| format!("{}: there is no policy.{field}", path.display());
    let file = file.ok_or_else(|| lacks("file"))?;
    let history = history.ok_or_else(|| {
        lacks("history") + ": name a folder there, and the proxy keeps in it what it has served"
    })?;
    let served =
        history.served().map_err(|error| format!("{}: {error}", history.folder.display()))?;
    let present = revision_of(&file)?;
    let out = &mut standard_output::lock();
    if list {
        tell(out, &served, present.as_deref(), format)?;
        return Ok(Answer::Done);
    }
    let chosen = match &to {
        Some(revision) => served.iter().find(|it| it.revision == *revision),
        None => served.iter().find(|it| Some(&it.revision) != present.as_ref()),
    };
    let Some(chosen) = chosen else {
        let what = to.map_or("no other policy".to_owned(), |to| format!("no revision {to}"));
        writeln!(out, "{}: {what} has been served", history.folder.display())?;
        return Ok(Answer::No);
    };
    let was_served = |revision: &String| served.iter().any(|it| it.revision == *revision);
    let unserved = present.as_ref().filter(|revision| !was_served(revision));
    let kept = unserved.map(|revision| keep(&file, revision)).transpose()?;
    put_back(chosen, &file, &signers)?;
    match format {
        Format::Json => {
            let report = json!({
                "file": file, "revision": chosen.revision, "before": present, "kept": kept,
            });
            writeln!(out, "{report:#}")?;
        }
        Format::Text => {
            let before = present.map_or("nothing".to_owned(), |it| format!("revision {it}"));
            writeln!(
                out,
                "{}: revision {}, in the place of {before}\n  a running proxy takes it at its next \
                 reload (`guilloche reload`)",
                file.display(),
                chosen.revision
            )?;
            if let Some(kept) = kept {
                writeln!(
                    out,
                    "  what was there is not in the history: it is kept as {}",
                    kept.display()
                )?;
            }
        }
    }
    Ok(Answer::Done)
}

/// The revision of what is there now, be it a policy or not.
fn revision_of(file: &Path) -> Result<Option<String>, Failure> {
    match fs::symlink_metadata(file) {
        Ok(metadata) if metadata.is_symlink() => Err(format!(
            "{}: is a link, as Kubernetes mounts it or somebody else made it: what it leads to has to be \
             put back where it comes from",
            file.display()
        )
        .into()),
        Ok(_) => {
            let text = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
            Ok(Some(Revision::of(&text).to_string()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", file.display()).into()),
    }
}

/// Keeps what the history lacks: a policy that somebody has edited and that was not served, or was refused.
fn keep(file: &Path, revision: &str) -> Result<PathBuf, Failure> {
    let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".unserved-{revision}"));
    let kept = file.with_file_name(name);
    for (path, kept) in
        [(file.to_owned(), kept.clone()), (signature_path(file), signature_path(&kept))]
    {
        let text = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            text => text.map_err(|error| failed(&path, error))?,
        };
        match create(&kept, &text, PRIVATE) {
            // The same revision, from a time before.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => created.map_err(|error| failed(&kept, error))?,
        }
    }
    Ok(kept)
}

/// Puts a policy and its signature in the place of others. Between the two a reload would find a policy
/// whose signature is another's, refuse it, and go on with what decides.
fn put_back(served: &Served, file: &Path, signers: &Signers) -> Result<(), Failure> {
    let text = signers.read(&served.file)?;
    let policy = Policy::parse(&served.file.display().to_string(), &text)?;
    if policy.revision.to_string() != served.revision {
        return Err(format!("{}: has been changed since", served.file.display()).into());
    }
    let signature = signature_path(file);
    let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    match fs::read(signature_path(&served.file)) {
        Ok(bytes) => {
            replace(&signature, &bytes, PUBLIC).map_err(|error| failed(&signature, error))?
        }
        Err(_) => match fs::remove_file(&signature) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(failed(&signature, error).into());
            }
            _ => {}
        },
    }
    Ok(replace(file, text.as_bytes(), PUBLIC).map_err(|error| failed(file, error))?)
}

fn tell(
    out: &mut impl Write,
    served: &[Served],
    present: Option<&str>,
    format: Format,
) -> Result<(), Failure> {
    if format == Format::Json {
        let each = served.iter().map(|it| {
            json!({
                "revision": it.revision, "since": it.since, "file": it.file,
                "present": Some(it.revision.as_str()) == present,
            })
        });
        let each: Vec<_> = each.collect();
        writeln!(out, "{:#}", json!(each))?;
        return Ok(());
    }
    for it in served {
        let name = Policy::load(&it.file).map_or_else(|_| "?".to_owned(), |policy| policy.name);
        let here = if Some(it.revision.as_str()) == present { "  there now" } else { "" };
        writeln!(out, "{}  since {}  {name}{here}", it.revision, it.since)?;
    }
    Ok(())
}
