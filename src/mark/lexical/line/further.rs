//! What the tokens behind the first say of a line, together with it.

use super::{Opening, Verdict, first_of, label, speaker, text};
use crate::mark::lexical::block::{Block, End};
use crate::mark::lexical::delimiter;
use crate::mark::lexical::token::{
    is_form, is_hash, is_hours, is_loud, is_plain_name, is_run, is_scalar, is_schedule, is_stamp,
    is_time, is_version,
};

impl Opening {
    /// What a further token of letters alone says together with those before it.
    pub(super) fn further_word(&self, word: &str, end: bool) -> Verdict {
        let before = self.text.get(..self.token).unwrap_or_default().trim_end();
        match self.passed {
            1 => self.second(before, word, end).unwrap_or_else(|| {
                let loud = is_loud(before) && is_loud(word);
                if loud { Verdict::Code } else { Verdict::Prose }
            }),
            2 => banner(before, word, end).unwrap_or(Verdict::Prose),
            _ => Verdict::Prose,
        }
    }

    /// What any further token says together with those before it.
    pub(super) fn further(&self, token: &str, end: bool) -> Verdict {
        let before = self.text.get(..self.token).unwrap_or_default().trim_end();
        let second = self.passed == 1;
        if let Some(verdict) = second.then(|| self.second(before, token, end)).flatten() {
            return verdict;
        }
        // `hello (2.10-3) unstable;` of Debian, up to who signs it.
        if self.passed == 2 && token.ends_with(';') && is_version(before) {
            return Verdict::Block(Block::new(End::Line("--".into())));
        }
        if let Some(verdict) = (self.passed == 2).then(|| banner(before, token, end)).flatten() {
            return verdict;
        }
        // `Figure 3 – It …`.
        if self.passed == 2 && label::is_dash(token) && label::is_numbered(before) {
            return Verdict::Labelled;
        }
        if self.passed == 2 && (before, token) == ("True or", "false:") {
            return Verdict::Labelled;
        }
        if self.passed == 2 && label::is_sender(before, token) {
            return Verdict::Cited;
        }
        if self.passed == 3 && label::is_list_of_authors(before, token) {
            return Verdict::Cited;
        }
        // The parts of a mail.
        if let Some(name) = token.strip_prefix("boundary=") {
            let name = name.trim_matches('"');
            return Verdict::Block(Block::new(End::Line(format!("--{name}--").into())));
        }
        // `=== a.txt ===`, `--- ORIGINAL ---`.
        let named = || {
            before.contains(['.', '/'])
                || ["ORIGINAL", "OLD", "BEFORE"].iter().any(|name| before.ends_with(name))
        };
        if end && is_run(token) && first_of(before) == token && named() {
            return Verdict::Block(Block::new(End::Line(String::from(token).into())));
        }
        let operator = matches!(
            token,
            "=" | ":=" | "+=" | "-=" | "==" | "=>" | "->" | "<-" | "?=" | ":" | "::" | "-->"
        );
        let loud = second && is_loud(before) && is_loud(token);
        // `my $s =` of Perl, `auto s =` of C++.
        let declared = operator
            && before.split_once(' ').is_some_and(|(kind, name)| {
                let lower = kind.starts_with(|first: char| first.is_lowercase());
                name.starts_with(['$', '@', '%']) || lower && token == "=" && is_plain_name(name)
            });
        let scheduled = self.passed == 2 && is_schedule(token) && is_hours(before);
        let timed = is_time(token) && before.len() < 24;
        if (second || declared) && operator || loud || scheduled || timed {
            Verdict::Code
        } else if operator || second && token == "&" {
            Verdict::Line
        } else {
            Verdict::Prose
        }
    }

    /// What the second token says together with the first, if anything.
    fn second(&self, first: &str, token: &str, end: bool) -> Option<Verdict> {
        let block = |end| Some(Verdict::Block(Block::new(end)));
        match first {
            "Uncaught" => return Some(Verdict::Code),
            "Error" if token == "response" => return Some(Verdict::Code),
            "[FILE:" => return block(End::Line("[/FILE".into())),
            "---" if matches!(token, "START" | "BEGIN") => {
                return block(End::Line("--- END".into()));
            }
            "***" if token == "Begin" => return block(End::Line("*** End Patch".into())),
            "***" if matches!(token, "Update" | "Add" | "Delete") => return Some(Verdict::Diff),
            // The sections of Robot Framework.
            "***" if token.starts_with(char::is_uppercase) => return Some(Verdict::Code),
            "+++" => return Some(Verdict::Diff),
            // A directive of reStructuredText, a target, a footnote.
            ".." if token.ends_with("::") || token.starts_with(['_', '[', '|']) => {
                return Some(Verdict::Code);
            }
            // What an agent hands to a tool.
            "Action" if token == "Input:" => return Some(Verdict::Code),
            // A list of things to do with commits.
            "pick" | "reword" | "edit" | "squash" | "fixup" | "drop" | "commit"
                if is_hash(token) =>
            {
                return Some(Verdict::Line);
            }
            "Unhandled" if token.starts_with("exception") => return Some(Verdict::Code),
            "Traceback" | "Caused" | "Exception" if matches!(token, "(most" | "by:" | "in") => {
                return Some(Verdict::Code);
            }
            // A patch as a mail, up to the signature.
            "From" if token.len() == 40 && is_hash(token) => return block(End::Word("--".into())),
            "pie" if matches!(token, "title" | "showData") => return Some(Verdict::Code),
            "ok" if token.bytes().all(|byte| byte.is_ascii_digit()) => return Some(Verdict::Code),
            "not" if token == "ok" => return Some(Verdict::Code),
            // Variables of make over several lines.
            "define" if end => return block(End::Line("endef".into())),
            // What ends with `END` and, mostly, the same name; a database has other ends.
            "BEGIN"
                if token == "FILE:"
                    || end
                        && is_loud(token)
                        && !token.ends_with(';')
                        && !matches!(token, "TRAN" | "TRANSACTION" | "WORK") =>
            {
                return block(End::Line("END".into()));
            }
            // Documents of Texinfo and of Typst.
            "\\input" if token == "texinfo" => return block(End::Line("@bye".into())),
            "#set" | "#let" | "#show" | "#show:" => return Some(Verdict::Whole),
            "(A)" | "(B)" | "(C)" | "x" if is_stamp(token) => return Some(Verdict::Code),
            _ => {}
        }
        // A directive of Blade, a form of a Lisp with a text.
        if end && first.starts_with('@') && token.starts_with('(') && !token.ends_with('{') {
            return block(End::Line("@end".into()));
        }
        if token.starts_with('"') && is_form(first) {
            return Some(Verdict::Code);
        }
        if let Some(template) = delimiter::template(first, token) {
            return Some(Verdict::Within(template));
        }
        if end && first.ends_with(':') && is_scalar(token) {
            return Some(Verdict::Code);
        }
        if first.starts_with(":::") && is_run(first) && token.starts_with('{') {
            return block(End::Word(first.into()));
        }
        if token == "SEARCH" && is_run(first) {
            return block(End::Replaced);
        }
        // What follows is told by punctuation or digits.
        if label::is_letters(first) && label::is_letters(token) {
            return None;
        }
        // The lines of BASIC and of GEDCOM.
        let numbered = first.bytes().all(|byte| byte.is_ascii_digit())
            && (is_loud(token) && token.len() > 2 || token.starts_with('@'));
        let cited = || {
            let cited = label::is_citation(first, token) || label::is_sender(first, token);
            cited.then_some(Verdict::Cited)
        };
        let labelled = || {
            let speaks = || label::is_speaker(first, token) || speaker::is_with_more(first, token);
            let labelled = label::is_labelled(first, token)
                || !self.item && speaks()
                || text::begins_with_more(first, token);
            let of_text = text::begins_with_two(first, token);
            match (labelled || of_text, end && of_text) {
                (true, false) => Some(Verdict::Labelled),
                // The text stands in the next line.
                (true, true) => Some(Verdict::Cited),
                (false, _) => None,
            }
        };
        numbered.then_some(Verdict::Code).or_else(cited).or_else(labelled)
    }
}

/// `banner motd ^C` of routers.
fn banner(before: &str, token: &str, end: bool) -> Option<Verdict> {
    let opens = end && before.starts_with("banner ");
    opens.then(|| Verdict::Block(Block::new(End::Line(String::from(token).into()))))
}
