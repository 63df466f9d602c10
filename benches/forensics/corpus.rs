//! Answers of assistants; or prose out of the HTML of the Rust books, as documents of the length of an answer.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Where the corpus comes from if it is not there.
const MISSING: &str = "the corpus is missing: install the Debian package `rust-doc` \
    (`apt-get install rust-doc`), or name a directory with the HTML of the Rust books \
    (rustup's `rust-docs`: `$(rustc --print sysroot)/share/doc/rust/html`) as the second \
    argument or in GUILLOCHE_CORPUS";

/// Where Debian's package puts it.
const INSTALLED: &str = "/usr/share/doc/rust-doc/html";

/// Books that stand for the suspect's text: they teach, as an assistant does.
const SUSPECT: [&str; 4] = ["book", "edition-guide", "embedded-book", "rust-by-example"];

/// Books by others, that stand for texts of an unmarked model.
const CONTROL: [&str; 7] =
    ["cargo", "nomicon", "reference", "rustc", "rustdoc", "style-guide", "unstable-book"];

/// Words of a document before the next begins.
const DOCUMENT: usize = 300;

/// Paragraphs with fewer words of prose are captions and list items.
const PARAGRAPH: usize = 12;

/// Some paragraphs that follow each other.
pub(crate) struct Document {
    pub(crate) text: String,
    pub(crate) words: usize,
}

/// Prose without a mark.
pub(crate) struct Corpus {
    pub(crate) suspect: Vec<Document>,
    pub(crate) control: Vec<Document>,
}

impl Corpus {
    /// Reads the corpus from this directory, or from where it is installed.
    ///
    /// Directories `suspect` and `control` in it have files of answers, a line of JSON each with the text in
    /// `output`; else it is the HTML of the Rust books.
    pub(crate) fn read(root: Option<PathBuf>) -> Result<Self, String> {
        let root = root.unwrap_or_else(|| PathBuf::from(INSTALLED));
        let corpus = if root.join("suspect").is_dir() {
            Self {
                suspect: answers(&root.join("suspect")),
                control: answers(&root.join("control")),
            }
        } else {
            let mut seen = HashSet::new();
            let suspect = books(&root, &SUSPECT, &mut seen);
            Self { suspect, control: books(&root, &CONTROL, &mut seen) }
        };
        if words(&corpus.suspect) < 100_000 || words(&corpus.control) < 50_000 {
            return Err(format!("{} has too little prose; {MISSING}", root.display()));
        }
        Ok(corpus)
    }

    /// What was read, in one line.
    pub(crate) fn described(&self) -> String {
        format!(
            "{} words of the suspect's kind in {} documents, {} words of control in {}",
            words(&self.suspect),
            self.suspect.len(),
            words(&self.control),
            self.control.len()
        )
    }
}

pub(crate) fn words(documents: &[Document]) -> usize {
    documents.iter().map(|document| document.words).sum()
}

fn answers(directory: &Path) -> Vec<Document> {
    let mut files = Vec::new();
    files_below(directory, ".jsonl", &mut files);
    files.sort();
    let lines = files.iter().filter_map(|file| std::fs::read_to_string(file).ok());
    let lines = lines.flat_map(|file| file.lines().map(str::to_owned).collect::<Vec<_>>());
    let text = |line: String| {
        let record: serde_json::Value = serde_json::from_str(&line).ok()?;
        let text = record.get("output")?.as_str()?.to_owned();
        Some(Document { words: text.split_whitespace().count(), text })
    };
    lines.filter_map(text).filter(|document| document.words > 0).collect()
}

fn books(root: &Path, names: &[&str], seen: &mut HashSet<String>) -> Vec<Document> {
    let mut documents = Vec::new();
    for name in names {
        let mut files = Vec::new();
        files_below(&root.join(name), ".html", &mut files);
        files.sort();
        for file in files {
            if let Ok(page) = std::fs::read(&file) {
                page_documents(&String::from_utf8_lossy(&page), seen, &mut documents);
            }
        }
    }
    documents
}

/// Files below a directory; not the older editions of a book, nor all of it on one page.
fn files_below(directory: &Path, extension: &str, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.ends_with("-edition") {
                files_below(&path, extension, files);
            }
        } else if name.ends_with(extension) && name != "print.html" {
            files.push(path);
        }
    }
}

fn page_documents(page: &str, seen: &mut HashSet<String>, documents: &mut Vec<Document>) {
    let main = page.split_once("<main>").map_or(page, |(_, main)| main);
    let main = main.split_once("</main>").map_or(main, |(main, _)| main);
    let (mut text, mut words) = (String::new(), 0);
    for rest in main.split("<p>").skip(1) {
        let paragraph = plain(rest.split("</p>").next().unwrap_or_default());
        let prose = paragraph.split('`').step_by(2).flat_map(str::split_whitespace).count();
        if prose < PARAGRAPH || !seen.insert(paragraph.clone()) {
            continue;
        }
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        words += paragraph.split_whitespace().count();
        text.push_str(&paragraph);
        if words >= DOCUMENT {
            documents.push(Document { text: std::mem::take(&mut text), words });
            words = 0;
        }
    }
    if words > 0 {
        documents.push(Document { text, words });
    }
}

/// A paragraph as an assistant would write it in Markdown: code between backticks, other tags
/// dropped, white space single.
fn plain(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, behind)) = rest.split_once('<') {
        out.push_str(before);
        let (tag, behind) = behind.split_once('>').unwrap_or((behind, ""));
        match tag.split_whitespace().next().unwrap_or_default() {
            "code" | "/code" => out.push('`'),
            "br" | "br/" => out.push(' '),
            _ => {}
        }
        rest = behind;
    }
    out.push_str(rest);
    let unescaped = unescape(&out);
    unescaped.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unescape(html: &str) -> String {
    let mut out = String::new();
    let mut parts = html.split('&');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, behind) = part.split_once(';').unwrap_or(("", part));
        let character = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "nbsp" => Some(' '),
            "#x27" => Some('\''),
            _ => name.strip_prefix('#').and_then(|n| n.parse().ok()).and_then(char::from_u32),
        };
        match character {
            Some(character) => {
                let _ = write!(out, "{character}{behind}");
            }
            None => {
                let _ = write!(out, "&{part}");
            }
        }
    }
    out
}
