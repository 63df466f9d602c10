//! The teacher's tokenizer: words with the space before them, digits in threes, punctuation.

/// Splits text into tokens that concatenate back to it.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let spaced = first == ' ';
        let body = if spaced { rest.strip_prefix(' ').unwrap_or(rest) } else { rest };
        let kind = body.chars().next().map_or(0, class);
        let limit = if kind == 2 { 3 } else { 11 };
        let run: usize = match kind {
            1 | 2 => {
                body.chars().take(limit).take_while(|c| class(*c) == kind).map(char::len_utf8).sum()
            }
            _ => body.chars().next().map_or(0, char::len_utf8),
        };
        let length = run + usize::from(spaced);
        let Some((token, tail)) = rest.split_at_checked(length.max(1)) else { break };
        tokens.push(token);
        rest = tail;
    }
    tokens
}

fn class(character: char) -> u8 {
    match character {
        c if c.is_alphabetic() || c == '\'' => 1,
        c if c.is_ascii_digit() => 2,
        ' ' => 3,
        _ => 4,
    }
}

/// How many tokens a text has.
pub(crate) fn count(text: &str) -> u64 {
    split(text).len() as u64
}

/// A token's number in a vocabulary of 128,000.
pub(crate) fn id(token: &str) -> u32 {
    let hash = blake3::hash(token.as_bytes());
    let number =
        hash.as_bytes().iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    number % 128_000
}

/// A plausible log-probability: function words are surer than content, and each position differs.
pub(crate) fn logprob(token: &str, position: usize) -> f64 {
    let spread = f64::from(
        (id(token) ^ u32::try_from(position % 4_096).unwrap_or(0).wrapping_mul(2_654_435_761))
            % 1_000,
    ) / 1_000.0;
    let content = token.trim().chars().count().min(8);
    let scale = 0.02 + 0.12 * f64::from(u32::try_from(content).unwrap_or(8));
    -((spread * spread * scale) * 10_000.0).round() / 10_000.0
}

/// The chosen token and less likely ones beside it, best first.
pub(crate) fn alternatives(token: &str, position: usize, many: usize) -> Vec<(String, f64)> {
    const OTHERS: &[&str] = &[
        " the", " a", " so", " and", " we", " is", " that", " to", ".", ",", " of", " then",
        " this", " it", " which", " in", ":", " for", " with", " are", " now", " all",
    ];
    let best = logprob(token, position);
    let start = (id(token) as usize + position) % OTHERS.len();
    let others =
        OTHERS.iter().cycle().skip(start).take(OTHERS.len()).filter(|other| **other != token);
    let mut value = best.min(-0.7);
    let mut list = vec![(token.to_owned(), best)];
    for (rank, other) in others.take(many.saturating_sub(1)).enumerate() {
        value -= 0.35 + 0.11 * f64::from(u32::try_from(rank % 7).unwrap_or(0));
        list.push(((*other).to_owned(), (value * 10_000.0).round() / 10_000.0));
    }
    list.truncate(many);
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_concatenate_to_the_text() {
        for text in [
            "Hello, world! 12345 apples.",
            "  two  spaces\n\nlines",
            "naïve 好的 🚆 — it's",
            " ",
            "incomprehensibilities",
        ] {
            assert_eq!(split(text).concat(), text);
        }
        assert_eq!(split("It's 1234 now."), ["It's", " 123", "4", " now", "."]);
    }

    #[test]
    fn the_chosen_token_is_the_likeliest() {
        let list = alternatives(" apples", 3, 5);
        assert_eq!(list.len(), 5);
        assert!(list.windows(2).all(|pair| pair[0].1 >= pair[1].1));
        assert!(list[0].1 <= 0.0);
    }
}
