//! The key file.
//!
//! ```text
//! guilloche-mark-keys 1
//! master 9f…
//! epoch 1 2026-11-23T00:00:00Z 2027-02-23T00:00:00Z
//! epoch 2 2027-02-16T00:00:00Z - law
//! ```
//!
//! The first line is the version of the format, `master` has 64 hexadecimal digits, an epoch its
//! number, its beginning, its end, its scheme, which is `coins` where none is named, and the deployment's own
//! rates if it has learned some. No one but the owner may have any right on the file. It is
//! parsed by hand so that no copy of the master stays in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Epoch, Keys, Scheme};
use crate::mark::law::Rates;
use crate::new_file::{self, PRIVATE};
use crate::secret::OpenMode;

const HEADER: &str = "guilloche-mark-keys 1";

/// The largest key file that is read, in bytes: some two hundred epochs with rates of their own.
const MAX_BYTES: u64 = 2 << 20;

/// A key file cannot be used. No variant holds any of its contents.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct KeyFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub problem: KeyFileProblem,
}

/// What is wrong with a key file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileProblem {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// Others than its owner may read or write it.
    #[error("the file mode is {0:o}; no one but its owner may have access (chmod 600)")]
    Permissions(u32),
    /// Not the first line of a format that this version reads.
    #[error("the first line is not `{HEADER}`")]
    Version,
    /// Larger than any key file.
    #[error("the file is too large to be a key file")]
    TooLarge,
    /// A line that is none of a key file.
    #[error("line {0} is not as a key file has it")]
    Line(usize),
    /// No master, or no epochs numbered from 1.
    #[error("the master or an epoch is missing")]
    Missing,
}

impl Keys {
    /// Reads a key file, after a look at its permissions (on Unix).
    ///
    /// # Errors
    ///
    /// See [`KeyFileProblem`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        let read = || {
            let file = File::open(path)?;
            check_permissions(&file)?;
            // With room for all of it from the start, no copy is left behind by growing.
            let size = file.metadata()?.len().min(MAX_BYTES);
            let room = usize::try_from(size).unwrap_or(0) + 1;
            let mut text = Zeroizing::new(String::with_capacity(room));
            file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
            if text.len() as u64 > MAX_BYTES {
                return Err(KeyFileProblem::TooLarge);
            }
            Self::parse(&text)
        };
        read().map_err(at(path))
    }

    /// Writes a new key file that only its owner can read; an existing one is left alone.
    ///
    /// # Errors
    ///
    /// [`KeyFileProblem::File`].
    pub fn create(&self, path: impl AsRef<Path>) -> Result<(), KeyFileError> {
        let path = path.as_ref();
        let created = new_file::create(path, self.render().as_bytes(), PRIVATE);
        created.map_err(|error| at(path)(error.into()))
    }

    /// Replaces a key file at once: a reader sees the old one or the new one.
    ///
    /// # Errors
    ///
    /// [`KeyFileProblem::File`].
    pub fn replace(&self, path: impl AsRef<Path>) -> Result<(), KeyFileError> {
        let path = path.as_ref();
        let replaced = new_file::replace(path, self.render().as_bytes(), PRIVATE);
        replaced.map_err(|error| at(path)(error.into()))
    }

    fn render(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(
            256 + self.epochs.len() * 96 + self.own.values().map(String::len).sum::<usize>(),
        ));
        text.push_str(HEADER);
        text.push_str("\nmaster ");
        for nibble in self.master.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            text.extend(char::from_digit(nibble.into(), 16));
        }
        for Epoch { number, from, until, scheme } in &self.epochs {
            let until = until.map_or_else(|| "-".to_owned(), |until| until.to_string());
            text.push_str(&format!("\nepoch {number} {from} {until}"));
            if *scheme != Scheme::Coins {
                text.push(' ');
                text.push_str(scheme.name());
                text.extend(self.own_rates(*number).into_iter().flat_map(|own| [" ", own]));
            }
        }
        text.push('\n');
        text
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    ///
    /// See [`KeyFileProblem`].
    pub fn parse(text: &str) -> Result<Self, KeyFileProblem> {
        let mut lines = text.lines().enumerate().map(|(line, text)| (line + 1, text));
        if lines.next().map(|(_, line)| line) != Some(HEADER) {
            return Err(KeyFileProblem::Version);
        }
        let mut master = None;
        let mut epochs: Vec<Epoch> = Vec::new();
        let mut own = BTreeMap::new();
        for (number, line) in lines {
            let wrong = || KeyFileProblem::Line(number);
            let mut words = line.split(' ');
            match words.next() {
                Some("master") if master.is_none() => {
                    master = Some(words.next().and_then(read_master).ok_or_else(wrong)?);
                }
                Some("epoch") => {
                    let mut word = || words.next().ok_or_else(wrong);
                    let epoch = Epoch {
                        number: word()?.parse().map_err(|_| wrong())?,
                        from: word()?.parse().map_err(|_| wrong())?,
                        until: match word()? {
                            "-" => None,
                            until => Some(until.parse().map_err(|_| wrong())?),
                        },
                        scheme: match words.next() {
                            None => Scheme::Coins,
                            Some(name) => Scheme::of_name(name).ok_or_else(wrong)?,
                        },
                    };
                    if usize::try_from(epoch.number) != Ok(epochs.len() + 1) {
                        return Err(wrong());
                    }
                    if let Some(rates) = words.next() {
                        Rates::english().with(rates).ok_or_else(wrong)?;
                        own.insert(epoch.number, rates.to_owned());
                    }
                    epochs.push(epoch);
                }
                _ => return Err(wrong()),
            }
            if words.next().is_some() {
                return Err(wrong());
            }
        }
        match master {
            Some(master) if !epochs.is_empty() => Ok(Self { master, epochs, own }),
            _ => Err(KeyFileProblem::Missing),
        }
    }
}

fn at(path: &Path) -> impl Fn(KeyFileProblem) -> KeyFileError {
    move |problem| KeyFileError { path: path.to_owned(), problem }
}

fn read_master(digits: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut master = Zeroizing::new([0; 32]);
    let (pairs, rest) = (digits.as_bytes().chunks_exact(2), digits.len() == 64);
    for (byte, pair) in master.iter_mut().zip(pairs) {
        let [high, low] = pair else { return None };
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        *byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
    }
    rest.then_some(master)
}

/// That no one but the owner has any right on a file of secrets.
pub(crate) fn check_permissions(file: &File) -> Result<(), KeyFileProblem> {
    match OpenMode::of(&file.metadata()?) {
        Some(mode) => Err(KeyFileProblem::Permissions(mode.bits())),
        None => Ok(()),
    }
}
