//! One line of CSV (RFC 4180), whose fields do not span lines.

use std::borrow::Cow;

/// The fields of a line; `None` if a quote is not closed, or something stands behind it.
pub(super) fn fields(line: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (field, after) = rest.split_at(end);
                (Cow::Borrowed(field), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(fields),
            None => return None,
        }
    }
}

/// A field behind its opening quote, and what follows the closing one.
fn quoted_field(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut field = Cow::Borrowed("");
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        if field.is_empty() {
            field = Cow::Borrowed(part);
        } else {
            field.to_mut().push_str(part);
        }
        match after.strip_prefix('"') {
            Some(next) => {
                field.to_mut().push('"');
                rest = next;
            }
            None => return Some((field, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_commas_and_doubled_quotes() {
        let split = |line| fields(line).map(|it| it.join("|"));
        assert_eq!(split("a,,c").unwrap(), "a||c");
        assert_eq!(split(r#""a,b","say ""x""",c"#).unwrap(), r#"a,b|say "x"|c"#);
        assert_eq!(split(r#""""#).unwrap(), "");
        assert_eq!(split(r#""""a","#).unwrap(), r#""a|"#);
        assert_eq!((split(r#""open"#), split(r#""a"b"#)), (None, None));
        assert_eq!(split("").unwrap(), "");
    }
}
