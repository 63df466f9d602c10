//! Writing markup in which nothing that somebody else chose can become markup.

/// A piece of well-formed markup. What is not known when the program is compiled gets in as text
/// or as the value of an attribute, both escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Markup(String);

impl Markup {
    pub(crate) fn into_string(self) -> String {
        self.0
    }

    /// Markup of the program's own.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Another piece.
    pub(crate) fn piece(&mut self, piece: &Self) -> &mut Self {
        self.0.push_str(&piece.0);
        self
    }

    /// Text of anybody's: escaped, and hidden characters in the open.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                hidden if is_hidden(hidden) => self.0.extend(hidden.escape_unicode()),
                other => self.0.push(other),
            }
        }
        self
    }

    pub(crate) fn open(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
    ) -> &mut Self {
        self.start(name, attributes).raw(">")
    }

    pub(crate) fn close(&mut self, name: &'static str) -> &mut Self {
        self.raw("</").raw(name).raw(">\n")
    }

    /// An element without content.
    pub(crate) fn empty(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
    ) -> &mut Self {
        self.start(name, attributes).raw(" />\n")
    }

    /// An element with text in it, and no line break behind it.
    pub(crate) fn element(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
        text: &str,
    ) -> &mut Self {
        self.open(name, attributes).text(text).raw("</").raw(name).raw(">")
    }

    fn start(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) -> &mut Self {
        self.raw("<").raw(name);
        for (attribute, value) in attributes {
            self.raw(" ").raw(attribute).raw("=\"").text(value).raw("\"");
        }
        self
    }
}

/// Text as a piece of its own.
pub(crate) fn text(text: &str) -> Markup {
    let mut piece = Markup::default();
    piece.text(text);
    piece
}

/// Whether a character is not seen as itself: it is invisible, reorders others, breaks lines, looks
/// like a space, or has no meaning.
pub(crate) fn is_hidden(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    // Letters and marks of Unicode that have no ink.
    let blank = matches!(
        u32::from(character),
        0x034f
            | 0x115f..=0x1160
            | 0x17b4..=0x17b5
            | 0x180b..=0x180f
            | 0x2800
            | 0x3164
            | 0xfe00..=0xfe0f
            | 0xffa0
            | 0xe0100..=0xe01ef
    );
    // Behind a letter the standard library escapes what is not printable: controls, formats with
    // all that reorders text, spaces other than the usual one, private and unassigned characters.
    blank || ['a', character].iter().collect::<String>().escape_debug().count() > 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_becomes_markup() {
        let hostile = "\"><script>alert('1')</script>&\u{202e}\u{0}";
        let mut markup = Markup::default();
        markup.element("b", &[("title", hostile)], hostile);
        let escaped =
            "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;\\u{202e}\\u{0}";
        assert_eq!(markup.into_string(), format!("<b title=\"{escaped}\">{escaped}</b>"));
    }
}
