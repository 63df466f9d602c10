//! The files of an installation: all of them are made, or none is.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::super::{Failure, keys};
use super::template::Template;
use crate::new_file::{self, PRIVATE, PUBLIC};
use crate::secret::Secret;

/// A file, and what it is for.
type Told = (&'static str, &'static str);

const CONFIGURATION: Told = ("guilloche.toml", "the configuration");
const POLICY: Told = ("policy.toml", "what is done to whom: it observes, and touches nothing");
const RISK: Told = ("risk.key", "what the detector signs with: give it a copy");
const SECRET: Told = ("secret.key", "the deployment's secret: replicas share it, back it up");
const MARKS: Told = ("mark.keys", "what answers are marked with: back it up");
const LEDGER: Told = ("mark.ledger", "who was issued marks: back it up");

/// A folder that is being filled.
#[derive(Debug)]
pub(super) struct Folder<'f> {
    path: &'f Path,
    written: Vec<Told>,
}

impl<'f> Folder<'f> {
    /// Makes the folder, if there is none.
    pub(super) fn new(path: &'f Path) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|error| failed(path, &error))?;
        Ok(Self { path, written: Vec::new() })
    }

    /// Writes all files, or none if one of them is there or cannot be written.
    pub(super) fn fill(&mut self, template: &Template<'_>, now: Timestamp) -> Result<(), Failure> {
        let mut names = vec![CONFIGURATION, POLICY, RISK, SECRET];
        if template.marks {
            names.extend([MARKS, LEDGER]);
        }
        let there: Vec<String> = names
            .iter()
            .map(|(name, _)| self.path.join(name))
            // A link that leads nowhere is something, too.
            .filter(|path| fs::symlink_metadata(path).is_ok())
            .map(|path| path.display().to_string())
            .collect();
        if !there.is_empty() {
            return Err(format!(
                "nothing was written, since nothing is overwritten, and there is already: {}\n  \
                 name another folder, or move them away",
                there.join(", ")
            )
            .into());
        }
        let filled = self.write_each(template, now);
        if filled.is_err() {
            for (name, _) in self.written.drain(..) {
                // What cannot be removed either is named by the error that follows.
                let _ = fs::remove_file(self.path.join(name));
            }
        }
        filled
    }

    fn write_each(&mut self, template: &Template<'_>, now: Timestamp) -> Result<(), Failure> {
        self.write(RISK, &new_key()?, PRIVATE)?;
        self.write(SECRET, &new_key()?, PRIVATE)?;
        if template.marks {
            let (keys, ledger) = (self.path.join(MARKS.0), self.path.join(LEDGER.0));
            // Noted first: a part of them may have been made when it fails.
            self.written.extend([MARKS, LEDGER]);
            keys::new(&keys, &ledger, now)?;
        }
        self.write(POLICY, &template.policy(), PUBLIC)?;
        // Last: a configuration that is there can be served.
        self.write(CONFIGURATION, &template.configuration(), PUBLIC)
    }

    fn write(&mut self, file: Told, text: &str, mode: u32) -> Result<(), Failure> {
        let path = self.path.join(file.0);
        new_file::create(&path, text.as_bytes(), mode).map_err(|error| failed(&path, &error))?;
        self.written.push(file);
        Ok(())
    }

    /// Says what was written.
    pub(super) fn tell(&self, out: &mut impl Write) -> io::Result<()> {
        let folder = self.path.canonicalize();
        writeln!(out, "Written to {}:", folder.as_deref().unwrap_or(self.path).display())?;
        let in_order = [CONFIGURATION, POLICY, RISK, SECRET, MARKS, LEDGER];
        let mut written = in_order.iter().filter(|file| self.written.contains(file));
        written.try_for_each(|(name, what)| writeln!(out, "  {name:<15} {what}"))
    }
}

/// 256 random bits in hexadecimal digits.
fn new_key() -> Result<Zeroizing<String>, Failure> {
    let secret = Secret::random()?;
    let mut text = Zeroizing::new(String::with_capacity(65));
    for nibble in secret.expose().iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        text.extend(char::from_digit(nibble.into(), 16));
    }
    text.push('\n');
    Ok(text)
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    format!("{}: {error}", path.display()).into()
}
