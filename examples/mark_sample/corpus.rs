//! Reading a corpus.

use std::collections::HashSet;
use std::path::Path;

use super::{Failure, page};

/// Documents in the order of their paths.
#[derive(Default)]
pub(crate) struct Documents {
    texts: Vec<String>,
    /// Lines of several words that were read already: what a site repeats on every page is read once.
    lines: HashSet<String>,
}

impl Documents {
    /// The documents in these files and folders.
    pub(crate) fn read(paths: &[&str]) -> Result<Self, Failure> {
        let mut documents = Self::default();
        for path in paths {
            documents.add(Path::new(path)).map_err(|error| format!("{path}: {error}"))?;
        }
        if documents.texts.is_empty() {
            Err("the corpus has no documents".into())
        } else {
            Ok(documents)
        }
    }

    fn add(&mut self, path: &Path) -> Result<(), Failure> {
        if path.is_dir() {
            let entries = std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
            let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
            entries.sort();
            return entries.iter().try_for_each(|entry| self.add(entry));
        }
        let name = path.file_name().unwrap_or_default();
        match path.extension().and_then(|extension| extension.to_str()) {
            // The whole book on one page, its table of contents, and pages that only forward.
            Some("html") if name == "print.html" || name == "toc.html" || name == "404.html" => {}
            Some("html") => {
                let html = std::fs::read_to_string(path)?;
                if html.contains("<main>") {
                    self.enter(&page::text(&html));
                }
            }
            Some("md" | "txt") => self.enter(&std::fs::read_to_string(path)?),
            _ => {}
        }
        Ok(())
    }

    fn enter(&mut self, text: &str) {
        let mut kept = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let short = line.split_whitespace().take(6).count() < 6;
            if short || self.lines.insert(line.to_owned()) {
                kept.push_str(line);
            }
        }
        self.texts.push(kept);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Each document.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str)
    }

    /// Words outside fenced code, between white space.
    pub(crate) fn words(&self) -> u64 {
        let mut words = 0;
        for text in self.texts() {
            let mut fenced = false;
            for line in text.lines() {
                if line.starts_with("```") {
                    fenced = !fenced;
                } else if !fenced {
                    let alphabetic = |word: &&str| word.contains(char::is_alphabetic);
                    words += line.split_whitespace().filter(alphabetic).count() as u64;
                }
            }
        }
        words
    }
}
