//! Names of models, as far as their spelling can be told apart from the model that they name.
//!
//! Servers and gateways trim names, ignore their case, put a vendor before them (`openai/…`) or a
//! variant behind them (`…:thinking`, `…@2026-11`). A policy that compared letters would be escaped by
//! any of these.

/// Whether a name names nothing, so that the server chooses.
#[must_use]
pub fn is_blank(name: &str) -> bool {
    name.chars().all(is_blank_character)
}

/// A name without what servers ignore: white space and unseen characters around it, and case.
#[must_use]
pub fn normalized(name: &str) -> String {
    name.trim_matches(is_blank_character).to_lowercase()
}

/// The spellings of one model in a normalized name: as it stands, and without the vendors before it.
pub fn spellings(normalized: &str) -> impl Iterator<Item = &str> {
    let behind = normalized.match_indices('/').filter_map(|(at, _)| normalized.get(at + 1..));
    std::iter::once(normalized).chain(behind)
}

/// Whether a spelling names `model`, or a variant of it. Both are normalized.
#[must_use]
pub fn names(spelling: &str, model: &str) -> bool {
    let variant = spelling.strip_prefix(model);
    variant.is_some_and(|variant| variant.is_empty() || variant.starts_with([':', '@']))
}

fn is_blank_character(character: char) -> bool {
    let unseen = matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    unseen || character.is_whitespace() || character.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_in_every_spelling() {
        for name in [
            "big",
            " Big\t",
            "BIG",
            "openai/big",
            "a/b/big",
            "big:think",
            "big@2026",
            "\u{feff}big",
        ] {
            let normalized = normalized(name);
            assert!(spellings(&normalized).any(|spelling| names(spelling, "big")), "{name:?}");
        }
        for name in ["bigger", "big-mini", "big/x", "", "b"] {
            let normalized = normalized(name);
            assert!(!spellings(&normalized).any(|spelling| names(spelling, "big")), "{name:?}");
        }
    }

    #[test]
    fn a_name_of_nothing_seen_is_blank() {
        for name in ["", "  ", "\u{200b}", "\u{0}\n"] {
            assert!(is_blank(name), "{name:?}");
        }
        assert!(!is_blank("."));
    }
}
