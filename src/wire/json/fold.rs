//! Names of members as lenient readers match them.

/// Case folding as Go's encoding/json matches names: ASCII, and the two letters beyond it that fold
/// to `s` and `k`.
pub(crate) fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    name.chars()
        .map(|character| match character {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            _ => character.to_ascii_lowercase(),
        })
        .collect()
}
