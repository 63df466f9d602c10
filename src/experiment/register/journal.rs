//! What of an experiment outlives the process, as lines of two files, and a third for what its
//! guardrails have found.
//!
//! Units are many, and a line of one that is lost costs little: the hash finds its arm again. So they
//! are queued, and nobody waits. What has been ordered, that every unit goes to the control arm above
//! all, is on the disk before it is taken for done.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::audit::{Population, UnitName};
use crate::lines::{LineReader, LineSpan, LineWriter, Lost, last_is_cut};

/// Lines of units that may wait to be written.
const QUEUE: NonZeroUsize = NonZeroUsize::MIN.saturating_add((1 << 16) - 1);

/// The longest line; ours have fewer than 400 bytes, but for the names of 16 arms.
const LONGEST: usize = 4096;

/// Lines that cannot be read and are told of one by one.
const TOLD: usize = 10;

/// A state file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the experiments' state {} cannot be used", path.display())]
pub struct JournalError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

/// The files of an experiment.
#[derive(Debug)]
pub(in crate::experiment) struct Journal {
    units: LineWriter,
    events: PathBuf,
    guards: PathBuf,
    arms: Vec<Arc<str>>,
}

/// A journal whose events have been read, and whose units have not.
#[derive(Debug)]
pub(in crate::experiment) struct Opened {
    units: PathBuf,
    events: PathBuf,
    guards: PathBuf,
    arms: Vec<Arc<str>>,
}

/// What is remembered of a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::experiment) enum Entry {
    Seen(Seen),
    Joined(Joined),
}

/// A unit was seen for the first time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::experiment) struct Seen {
    pub(super) unit: UnitName,
    pub(super) arm: Option<usize>,
    pub(super) population: Option<Population>,
    pub(super) first_seen: Timestamp,
    pub(super) unscored: bool,
}

/// An account or a cluster belongs to this unit from now on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::experiment) struct Joined {
    pub(super) member: UnitName,
    pub(super) unit: UnitName,
}

/// An entry as it is written: arms by their names, which outlive an edit of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Seen {
        unit: UnitName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arm: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        population: Option<Population>,
        first_seen: Timestamp,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unscored: bool,
    },
    Joined(Joined),
    /// So many are missing here.
    Lost(u64),
}

/// What has been ordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::experiment) enum Event {
    /// Every unit goes to the control arm.
    RolledBack {
        time: Timestamp,
        /// In words.
        why: String,
        /// The arm whose guardrail was broken, if it was for that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arm: Option<String>,
    },
    /// The experiment goes on.
    Resumed { time: Timestamp },
    /// Units come into arms by these weights from now on; 0 for one that is closed.
    Weights { time: Timestamp, arms: BTreeMap<String, u32> },
}

impl Journal {
    /// Opens the files under `stem` of an experiment with these arms, and gives every event that was
    /// written. What cannot be read is told, and skipped; a last line that a crash has cut is one of
    /// those.
    ///
    /// # Errors
    /// When a file cannot be read or opened.
    pub(in crate::experiment) fn open(
        folder: &Path,
        stem: &str,
        arms: Vec<Arc<str>>,
        mut event: impl FnMut(Event),
    ) -> Result<Opened, JournalError> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(folder).map_err(failed(folder))?;
        let events = folder.join(format!("{stem}.events.jsonl"));
        let units = folder.join(format!("{stem}.units.jsonl"));
        let guards = folder.join(format!("{stem}.guards.json"));
        let take = |line: Event| {
            event(line);
            true
        };
        read(&events, take).map_err(failed(&events))?;
        // Seen to be writable before anything depends on it.
        open_to_append(&events).map_err(failed(&events))?;
        Ok(Opened { units, events, guards, arms })
    }

    /// Gives every event that was written under `stem`, and says how many lines could not be read.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    pub(in crate::experiment) fn events(
        folder: &Path,
        stem: &str,
        mut event: impl FnMut(Event),
    ) -> Result<u64, JournalError> {
        let path = folder.join(format!("{stem}.events.jsonl"));
        let take = |line: Event| {
            event(line);
            true
        };
        File::open(&path).and_then(|_| read(&path, take)).map_err(failed(&path))
    }

    /// Has an entry written, without waiting for it.
    pub(in crate::experiment) fn note(&self, entry: Entry) {
        self.units.write(&match entry {
            Entry::Joined(joined) => Line::Joined(joined),
            Entry::Seen(Seen { unit, arm, population, first_seen, unscored }) => {
                let arm = arm.and_then(|arm| self.arms.get(arm)).map(ToString::to_string);
                Line::Seen { unit, arm, population, first_seen, unscored }
            }
        });
    }

    /// Writes an event, and waits until the disk has it.
    pub(in crate::experiment) fn order(&self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let mut file = open_to_append(&self.events)?;
        if File::open(&self.events).and_then(|mut file| last_is_cut(&mut file))? {
            line.insert(0, b'\n');
        }
        file.write_all(&line)?;
        file.sync_data()
    }

    /// Writes what guardrails have found in place of what they had before: the disk has the one or
    /// the other whole.
    pub(in crate::experiment) fn keep(&self, found: &impl Serialize) -> io::Result<()> {
        let next = self.guards.with_extension("json.new");
        // What a crash has left there is nobody's.
        fs::remove_file(&next).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        let mut file = open_to_append(&next)?;
        file.write_all(&serde_json::to_vec(found)?)?;
        file.sync_data()?;
        fs::rename(&next, &self.guards)
    }

    /// What was [kept](Self::keep) last. What cannot be read is told, and counts for nothing.
    pub(in crate::experiment) fn kept<T: DeserializeOwned>(&self) -> Option<T> {
        let read = fs::read(&self.guards).and_then(|found| Ok(serde_json::from_slice(&found)?));
        match read {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                let path = self.guards.display();
                tracing::warn!(%error, "{path}: cannot be read; guardrails begin anew");
                None
            }
        }
    }

    /// How many lines of units were lost.
    pub(in crate::experiment) fn lost(&self) -> Lost {
        self.units.lost()
    }

    /// Waits until what was noted is written.
    pub(in crate::experiment) fn flush(&self, patience: Duration) -> bool {
        self.units.flush(patience)
    }
}

impl Opened {
    /// Gives what was written of units, and goes on from there.
    ///
    /// # Errors
    /// When the file cannot be read or opened, or units are in an arm that the experiment has no more:
    /// they would be drawn anew, at a score that is what became of them there.
    pub(in crate::experiment) fn units(
        self,
        mut take: impl FnMut(Entry) -> bool,
    ) -> Result<Journal, JournalError> {
        let Self { units, events, guards, arms } = self;
        let mut without = None;
        let mut entry = |line: Line| {
            Some(match line {
                Line::Joined(joined) => Entry::Joined(joined),
                Line::Seen { unit, arm, population, first_seen, unscored } => {
                    let arm = match arm {
                        None => None,
                        Some(name) => {
                            let index = arms.iter().position(|arm| **arm == name);
                            if index.is_none() {
                                without = Some(name);
                            }
                            Some(index?)
                        }
                    };
                    Entry::Seen(Seen { unit, arm, population, first_seen, unscored })
                }
                Line::Lost(_) => return None,
            })
        };
        read(&units, |line| entry(line).is_some_and(&mut take)).map_err(failed(&units))?;
        if let Some(arm) = without {
            let why = format!(
                "units are in arm {arm:?}, which the experiment has no more: keep it, with `closed = true`, \
                 or give the experiment another salt"
            );
            return Err(failed(&units)(io::Error::new(io::ErrorKind::InvalidData, why)));
        }
        let writer = LineWriter::append(&units, QUEUE).map_err(failed(&units))?;
        Ok(Journal { units: writer, events, guards, arms })
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError { path, source }
}

fn open_to_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Gives every line of a file that can be read, if there is such a file; a line for which `take` says
/// `false` is told of as one that cannot. How many could not.
fn read<T: DeserializeOwned>(path: &Path, mut take: impl FnMut(T) -> bool) -> io::Result<u64> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut lines = LineReader::new(Box::new(BufReader::new(file)), LONGEST);
    let (mut buffer, mut unread) = (Vec::new(), 0_usize);
    while let Some(LineSpan { number, too_long, .. }) = lines.read(&mut buffer)? {
        // What was cut off has its end on a line of its own, which is empty.
        let is_empty = !too_long && buffer.trim_ascii().is_empty();
        let taken = is_empty || serde_json::from_slice(&buffer).is_ok_and(&mut take);
        if !taken {
            unread += 1;
            if unread <= TOLD {
                tracing::warn!("{}:{number}: cannot be read; it is skipped", path.display());
            }
        }
        buffer.clear();
    }
    if unread > TOLD {
        let more = unread - TOLD;
        tracing::warn!("{}: {more} more lines cannot be read; they are skipped", path.display());
    }
    Ok(unread as u64)
}
