//! Prose: what this crate says of itself, in its documents and comments; and, because that has
//! two hundred sites, sentences made for the purpose.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use guilloche::mark::lexical::each_site;
use guilloche::mark::lexicon::Lexicon;

use super::sentences::sentences;

/// Distinct documents with several sites each.
pub(crate) fn documents() -> &'static [String] {
    static DOCUMENTS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut paragraphs = BTreeSet::new();
        for folder in ["docs", "src", "tests", "benches", "examples"] {
            collect(&root.join(folder), &mut paragraphs);
        }
        for file in ["README.md", "CONTRIBUTING.md"] {
            paragraphs_of(&root.join(file), &mut paragraphs);
        }
        let mut mixed: Vec<(blake3::Hash, String)> =
            paragraphs.into_iter().map(|text| (blake3::hash(text.as_bytes()), text)).collect();
        mixed.sort_by_key(|(digest, _)| *digest.as_bytes());
        let texts: Vec<String> = mixed.into_iter().map(|(_, text)| text).collect();
        let own = texts.chunks(4).map(|four| four.join("\n\n"));
        let made = sentences();
        let made = made.chunks(24).map(|sentences| sentences.join(" "));
        own.chain(made).collect()
    });
    &DOCUMENTS
}

fn collect(folder: &Path, paragraphs: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paragraphs);
        } else {
            paragraphs_of(&path, paragraphs);
        }
    }
}

fn paragraphs_of(path: &Path, paragraphs: &mut BTreeSet<String>) {
    let source = path.extension().is_some_and(|extension| extension == "rs");
    if !source && path.extension().is_none_or(|extension| extension != "md") {
        return;
    }
    let text = fs::read_to_string(path).unwrap();
    let line = |line: &str| match source {
        true => {
            let comment = line.trim_start();
            let words = ["//! ", "/// ", "// "].iter().find_map(|mark| comment.strip_prefix(mark));
            words.unwrap_or_default().to_owned()
        }
        false => line.to_owned(),
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    for paragraph in lines.split(String::is_empty).map(|lines| lines.join("\n")) {
        let mut sites = 0;
        each_site(Lexicon::english(), &paragraph, |_| sites += 1);
        if sites > 0 {
            paragraphs.insert(paragraph);
        }
    }
}
