//! The text of a page of HTML as a language model would write it: Markdown with fenced code,
//! headings and lists, one line per paragraph.

/// Where in the page the reader is.
#[derive(Default)]
struct Page {
    out: String,
    /// Open `pre`, `blockquote` and `table` elements, and elements without prose.
    preformatted: u32,
    quoted: u32,
    table: u32,
    silent: u32,
    /// Code within a line.
    inline: bool,
}

/// The text of the `main` element of a page.
pub(crate) fn text(html: &str) -> String {
    let main = html.split_once("<main>").map_or(html, |(_, rest)| rest);
    let main = main.split_once("</main>").map_or(main, |(rest, _)| rest);
    let mut page = Page::default();
    let mut rest = main;
    while let Some((before, behind)) = rest.split_once('<') {
        page.characters(before);
        if let Some(comment) = behind.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
            continue;
        }
        let Some((tag, behind)) = behind.split_once('>') else { break };
        let end = |character: char| character.is_whitespace() || character == '/';
        match tag.strip_prefix('/') {
            Some(name) => page.close(name.trim_end()),
            None => page.open(tag.split(end).next().unwrap_or_default()),
        }
        rest = behind;
    }
    page.characters(rest);
    page.out.trim().to_owned() + "\n"
}

impl Page {
    fn characters(&mut self, html: &str) {
        if self.silent > 0 {
            return;
        }
        let text = decode(html);
        if self.preformatted > 0 {
            self.out.push_str(&text);
            return;
        }
        for character in text.chars() {
            let blank = character.is_whitespace();
            if !blank {
                self.out.push(character);
            } else if !self.out.ends_with([' ', '\n']) {
                self.out.push(' ');
            }
        }
    }

    fn paragraph(&mut self, opening: &str) {
        let kept = self.out.trim_end_matches([' ', '\n']).len();
        // A paragraph directly within a list item goes on behind its dash.
        if opening.is_empty() && self.out.ends_with("\n- ") {
            return;
        }
        self.out.truncate(kept);
        self.out.push_str("\n\n");
        if self.quoted > 0 {
            self.out.push_str("> ");
        }
        self.out.push_str(opening);
    }

    fn open(&mut self, name: &str) {
        match name {
            "script" | "style" | "button" | "svg" => self.silent += 1,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.paragraph("# "),
            "p" | "div" | "section" | "dt" | "dd" => self.paragraph(""),
            "li" => self.paragraph("- "),
            "blockquote" => self.quoted += 1,
            "table" => self.table += 1,
            "tr" => self.paragraph("| "),
            "td" | "th" => self.out.push_str("| "),
            "br" => self.out.push('\n'),
            "pre" => {
                self.paragraph("```\n");
                self.preformatted += 1;
            }
            "code" if self.preformatted == 0 && !self.inline => {
                self.inline = true;
                self.out.push('`');
            }
            "em" | "i" if self.preformatted == 0 => self.out.push('*'),
            "strong" | "b" if self.preformatted == 0 => self.out.push_str("**"),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "script" | "style" | "button" | "svg" => self.silent = self.silent.saturating_sub(1),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "p" | "li" | "tr" if self.table == 0 => {
                self.paragraph("");
            }
            "blockquote" => self.quoted = self.quoted.saturating_sub(1),
            "table" => {
                self.table = self.table.saturating_sub(1);
                self.paragraph("");
            }
            "pre" => {
                self.preformatted = self.preformatted.saturating_sub(1);
                if !self.out.ends_with('\n') {
                    self.out.push('\n');
                }
                self.out.push_str("```");
                self.paragraph("");
            }
            "code" if self.inline => {
                self.inline = false;
                self.out.push('`');
            }
            "em" | "i" if self.preformatted == 0 => self.out.push('*'),
            "strong" | "b" if self.preformatted == 0 => self.out.push_str("**"),
            _ => {}
        }
    }
}

fn decode(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let entity = behind.split_once(';').filter(|(name, _)| name.len() < 9);
        let character = entity.and_then(|(name, _)| match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "nbsp" => Some('\u{a0}'),
            _ => {
                let digits = name.strip_prefix('#')?;
                let number = match digits.strip_prefix(['x', 'X']) {
                    Some(digits) => u32::from_str_radix(digits, 16),
                    None => digits.parse(),
                };
                char::from_u32(number.ok()?)
            }
        });
        match (character, entity) {
            (Some(character), Some((_, behind))) => {
                out.push(character);
                rest = behind;
            }
            _ => {
                out.push('&');
                rest = behind;
            }
        }
    }
    out + rest
}
