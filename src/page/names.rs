//! Names that somebody else chose: accounts, clusters, tenants, controls, files.

use super::markup::Markup;

/// Characters of a name that are shown: so many from its beginning, so many from its end.
const HEAD: usize = 36;
const TAIL: usize = 8;

/// Bytes of a name that stays on one line.
const SHORT: usize = 14;

/// Characters of a message that are shown.
const MESSAGE: usize = 300;

/// A name that is short enough for a table. Where it is cut, its length and the beginning of its
/// BLAKE3 tell it from others that are cut alike.
pub(crate) fn shortened(name: &str) -> String {
    let length = name.chars().count();
    if length <= HEAD + TAIL + 1 {
        return tamed(name);
    }
    let head: String = name.chars().take(HEAD).collect();
    let tail: String = name.chars().skip(length - TAIL).collect();
    let digest = blake3::hash(name.as_bytes()).to_hex();
    let digest = digest.get(..8).unwrap_or_default();
    format!("{}…{} [{length} characters, BLAKE3 {digest}]", tamed(&head), tamed(&tail))
}

/// No more than two marks on a letter: stacks of them cover other lines.
fn tamed(name: &str) -> String {
    let mut marks = 0;
    let mut out = String::new();
    for character in name.chars() {
        // Alone the standard library escapes marks, too.
        let mark = !character.is_ascii() && character.escape_debug().count() > 1;
        marks = if mark { marks + 1 } else { 0 };
        if marks > 2 {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// What follows the last separator of a path. Of a file within a file of counts, whose name is
/// `counts: file`, of both.
pub(crate) fn base_name(path: &str) -> String {
    let base = |path: &str| {
        let mut parts = path.rsplit(['/', '\\']).filter(|part| !part.is_empty());
        parts.next().unwrap_or(path).to_owned()
    };
    path.split(": ").map(base).collect::<Vec<_>>().join(": ")
}

/// A message that may tell of paths, with their base names in place of them.
pub(crate) fn message(message: &str, paths: &[&str]) -> String {
    let mut message = message.to_owned();
    for path in paths {
        let base = base_name(path);
        if base != *path {
            message = message.replace(path, &base);
        }
    }
    if message.chars().count() > MESSAGE {
        message = message.chars().take(MESSAGE).chain(['…']).collect();
    }
    tamed(&message)
}

impl Markup {
    /// A name, apart from the words around it and from their direction.
    pub(crate) fn name(&mut self, name: &str) -> &mut Self {
        if name.is_empty() {
            return self.raw("<em>(no name)</em>");
        }
        let class = if name.len() <= SHORT { "name short" } else { "name" };
        self.element("bdi", &[("class", class)], &shortened(name))
    }

    /// A name, with the letters outside ASCII spelled out: some look like those within.
    #[cfg(feature = "forensics")]
    pub(crate) fn spelled_name(&mut self, name: &str) -> &mut Self {
        self.name(name);
        if !name.is_ascii() {
            let spelled: String = name.chars().take(HEAD).map(spelled).collect();
            self.raw(" ").element("code", &[("class", "spelled")], &spelled);
        }
        self
    }
}

#[cfg(feature = "forensics")]
fn spelled(character: char) -> String {
    if character.is_ascii() {
        character.to_string()
    } else {
        character.escape_unicode().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::markup::is_hidden;

    #[test]
    fn what_is_not_seen_as_itself_is_hidden() {
        let hidden = "\u{202a}\u{202e}\u{2066}\u{2069}\u{200e}\u{61c}\u{200b}\u{200d}\u{feff}\u{ad}\
                      \u{2028}\u{a0}\u{3000}\u{3164}\u{e0041}\u{fe0f}\u{e000}\u{fff9}\u{85}\n\t\0\u{7f}";
        for character in hidden.chars() {
            assert!(is_hidden(character), "{character:?}");
        }
        for character in "aZ0 <&\"'é\u{301}ßЖ中हिन्दी…×−🦀".chars() {
            assert!(!is_hidden(character), "{character:?}");
        }
    }

    #[test]
    fn long_names_that_are_cut_alike_stay_apart() {
        let name = |middle: &str| format!("{}{middle}{}", "a".repeat(500), "b".repeat(500));
        let (left, right) = (shortened(&name("1")), shortened(&name("2")));
        assert_ne!(left, right);
        assert!(left.contains("1001 characters") && left.chars().count() < 90, "{left}");
        assert_eq!(shortened("acct-17"), "acct-17");
        assert_eq!(
            shortened(&format!("z{}", "\u{301}".repeat(4))),
            "z\u{301}\u{301}\\u{301}\\u{301}"
        );
    }

    #[test]
    fn of_paths_the_base_names_are_told() {
        assert_eq!(base_name("/home/me/suspect.jsonl"), "suspect.jsonl");
        assert_eq!(base_name("C:\\me\\suspect.jsonl"), "suspect.jsonl");
        assert_eq!(base_name("a/shard.counts: /b/c.jsonl"), "shard.counts: c.jsonl");
        assert_eq!(
            (base_name("dir/"), base_name("/"), base_name("")),
            ("dir".into(), "/".into(), String::new())
        );
        assert_eq!(message("/a/b.jsonl: line 3", &["/a/b.jsonl"]), "b.jsonl: line 3");
    }
}
