//! The policies that were served, kept so that one of them can be put back.
//!
//! A folder with a file for each revision, named by when it was first served after another one, and its
//! signature beside it:
//!
//! ```text
//! 20261201T090000.123Z-05f3d7a69001.toml
//! 20261201T090000.123Z-05f3d7a69001.toml.sig
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::policy::Revision;
use crate::policy::signature::signature_path;

/// The folder of the policies that were served, and how many of them are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The folder, which is made when the first of them is kept.
    pub folder: PathBuf,
    /// The most that are kept; the oldest go.
    pub most: usize,
}

/// A policy that was served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// When it was first served after another one.
    pub since: Timestamp,
    /// Its revision, as the audit calls it.
    pub revision: String,
    /// Its file, byte by byte as it was served; its signature is beside it, if it had one.
    pub file: PathBuf,
}

const NAMES: &str = "%Y%m%dT%H%M%S.%3fZ";

impl History {
    /// Keeps a policy that is served from now on, unless it is the one that was kept last.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn keep(
        &self,
        revision: &str,
        text: &[u8],
        signature: Option<&[u8]>,
        now: Timestamp,
    ) -> io::Result<()> {
        let mut served = self.served()?;
        if served.first().is_some_and(|last| last.revision == revision) {
            return Ok(());
        }
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&self.folder)?;
        // Never before the last one, whatever has become of the clock.
        let since = served.first().map_or(now, |last| now.max(last.since));
        let file = self.folder.join(format!("{}-{revision}.toml", since.strftime(NAMES)));
        // Without its signature a policy would not be found to be whole.
        if let Some(signature) = signature {
            write(&signature_path(&file), signature)?;
        }
        write(&file, text)?;
        // It is kept once, by its last time, and the oldest make room.
        let kept = self.most.saturating_sub(1);
        let is_same = |it: &Served| it.revision == revision;
        let same: Vec<Served> = served.iter().filter(|it| is_same(it)).cloned().collect();
        served.retain(|it| !is_same(it));
        for old in same.iter().chain(served.iter().skip(kept)) {
            remove(&signature_path(&old.file))?;
            remove(&old.file)?;
        }
        Ok(())
    }

    /// Keeps the file of a policy that is served from now on, if it still is as it was loaded. That it
    /// cannot be kept is told, and is no reason not to serve it.
    pub(super) fn keep_file(&self, file: &Path, revision: &str) {
        let kept = fs::read(file).and_then(|text| {
            if Revision::of(&text).to_string() != revision {
                return Ok(());
            }
            let signature = fs::read(signature_path(file)).ok();
            self.keep(revision, &text, signature.as_deref(), Timestamp::now())
        });
        if let Err(error) = kept {
            let folder = self.folder.display();
            tracing::warn!(revision, %error, "{folder}: the policy cannot be kept, to be put back later");
        }
    }

    /// What is kept, the last first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn served(&self) -> io::Result<Vec<Served>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut served = Vec::new();
        for entry in entries {
            served.extend(Served::of(entry?.path()));
        }
        served.sort_by(|one: &Served, other| other.file.cmp(&one.file));
        Ok(served)
    }
}

impl Served {
    /// `None` for a file of another name.
    fn of(file: PathBuf) -> Option<Self> {
        let name = file.file_name()?.to_str()?.strip_suffix(".toml")?;
        let (since, revision) = name.split_once('-')?;
        let is_revision = revision.len() == 12
            && revision.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it));
        let since = since.parse().ok().filter(|_| is_revision)?;
        Some(Self { since, revision: revision.to_owned(), file })
    }
}

/// A file that is there whole or not at all, for its owner alone: policies name accounts.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let new = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(new, path)
}

/// Another replica may have been faster.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
