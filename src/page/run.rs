//! When and how a page was made.

use jiff::Timestamp;

use super::names::{base_name, message};

/// Words of a command that a page shows.
const WORDS: usize = 60;

/// What a page tells beside what it reports: when and how it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// When it was made. The page tells no time without it.
    pub made: Option<Timestamp>,
    /// The words of the command that reproduces it, the program first. Of paths only the base
    /// names are shown.
    pub command: Vec<String>,
}

impl Run {
    /// By the command line of this process, now.
    #[cfg(feature = "cli")]
    pub(crate) fn of_this_process() -> Self {
        let command = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
        Self { made: Some(Timestamp::now()), command: command.collect() }
    }
}

/// The command as a shell takes it, with base names in place of paths.
pub(crate) fn command(words: &[String]) -> String {
    let mut shown: Vec<String> = words.iter().take(WORDS).map(|word| shown(word)).collect();
    if words.len() > WORDS {
        shown.push(format!("… and {} more words", words.len() - WORDS));
    }
    shown.join(" ")
}

fn shown(word: &str) -> String {
    let base = |word: &str| message(&base_name(word), &[]);
    match word.split_once('=') {
        // `--option=path`, `name=path`.
        Some((name, value)) => quoted(&format!("{}={}", base(name), base(value))),
        None => quoted(&base(word)),
    }
}

fn quoted(word: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:,@%+=".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_quoted_and_tells_no_directories() {
        let words = [
            "/usr/bin/guilloche",
            "verify",
            "--keys=/etc/keys.toml",
            "base=data/x y.jsonl",
            "--field",
            "a.b",
            "it's",
        ];
        let words: Vec<String> = words.map(ToOwned::to_owned).into();
        assert_eq!(
            command(&words),
            "guilloche verify --keys=keys.toml 'base=x y.jsonl' --field a.b 'it'\\''s'"
        );
    }
}
