//! Summing up what others wrote, when asked to.

/// Whether a system message asks for nothing but a summary of what the user sends.
pub(crate) fn asks_summary(system: &str) -> bool {
    system.to_lowercase().contains("answer with the summary alone")
}

/// What a text does, in words that are none of its own: so much as somebody who only counted would
/// say of it.
pub(crate) fn summary(text: &str) -> String {
    let lines = text.lines().filter(|line| line.contains(char::is_alphanumeric)).count();
    let is_figure = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
    let figures = text.split_whitespace().filter(is_figure).count();
    format!("Went over {figures} figures in {lines} lines, one after another.")
}
