//! The header fields of the contract: reading one label of a dictionary, and stripping ours.
//!
//! Several parties may sign a message in the same two fields, each under its own label (RFC 9421
//! §4), so our label is cut out of a field without parsing, or touching, the others. What a client
//! has left there, well-formed or not, can then not hide a detector's signature.

use std::borrow::Cow;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::UnknownReason;
use crate::secret::opaque_debug;

/// The detector's word about a request.
pub const RISK: HeaderName = HeaderName::from_static(RISK_NAME);
/// What a signature covers and how (RFC 9421 §4.1).
pub const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
/// The signature (RFC 9421 §4.2).
pub const SIGNATURE: HeaderName = HeaderName::from_static("signature");
/// The label of a detector's signature, unless another is configured.
pub const DEFAULT_LABEL: &str = "guilloche";

const RISK_NAME: &str = "guilloche-risk";
/// Decision headers begin with this.
const DECISION: &str = "guilloche-decision";
/// A risk field, all its lines together, and our member of a signature field are read up to this
/// many bytes.
pub const MAX_FIELD_BYTES: usize = 4096;
/// Of each field so many values are tried: a detector's own, and what a careless one left standing
/// of the client's. Each is tried with each of the others.
const MAX_WRITTEN: usize = 5;

/// Removes every risk and decision header, and the signature with `label`; other signatures keep
/// their bytes.
///
/// ```
/// use guilloche::risk::{DEFAULT_LABEL, strip};
/// use http::{HeaderMap, HeaderValue};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("guilloche-risk", HeaderValue::from_static("account=\"a\", score=0.0"));
/// headers.insert("signature", HeaderValue::from_static("theirs=:AA==:, guilloche=:AA==:"));
/// strip(&mut headers, DEFAULT_LABEL);
/// assert_eq!(headers.len(), 1);
/// assert_eq!(headers["signature"], "theirs=:AA==:");
/// ```
pub fn strip(headers: &mut HeaderMap, label: &str) {
    let (mut scored, mut decisions, mut signatures) = (false, Vec::new(), Vec::new());
    // Seen in one pass, which costs less than to look each up.
    for name in headers.keys() {
        match name.as_str() {
            RISK_NAME => scored = true,
            "signature-input" | "signature" => signatures.push(name.clone()),
            text if text.starts_with(DECISION) => decisions.push(name.clone()),
            _ => {}
        }
    }
    if scored {
        headers.remove(RISK);
    }
    for name in decisions {
        headers.remove(name);
    }
    for name in signatures {
        strip_label(headers, &name, label);
    }
}

fn strip_label(headers: &mut HeaderMap, name: &HeaderName, label: &str) {
    let ours = |line: &HeaderValue| members(line.as_bytes()).any(|member| has_key(member, label));
    if !headers.get_all(name).iter().any(ours) {
        return;
    }
    let lines: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
    headers.remove(name);
    for line in lines {
        if !ours(&line) {
            headers.append(name, line);
            continue;
        }
        let kept: Vec<&[u8]> =
            members(line.as_bytes()).filter(|member| !has_key(member, label)).collect();
        if kept.iter().all(|member| member.trim_ascii().is_empty()) {
            continue;
        }
        // Bytes of a header value, joined by a comma, are a header value.
        let joined = kept.join(&b","[..]);
        if let Ok(line) = HeaderValue::from_bytes(joined.trim_ascii()) {
            headers.append(name, line);
        }
    }
}

/// What a request holds of one of the contract's fields. A client may have written some of it.
#[derive(Default)]
pub(super) struct Written<'headers> {
    /// What can be read, the last first: a detector appends.
    pub(super) values: Vec<Cow<'headers, str>>,
    /// Why something of it cannot be read.
    pub(super) unread: Option<UnknownReason>,
    /// There is more of it than is looked at, so that a detector's word may be among what is not.
    pub(super) crowded: bool,
}

opaque_debug!(Written<'_>);

impl<'headers> Written<'headers> {
    fn add(&mut self, value: Result<Cow<'headers, str>, UnknownReason>) {
        match value {
            Ok(value) if self.values.contains(&value) => {}
            Ok(_) if self.values.len() == MAX_WRITTEN => self.crowded = true,
            Ok(value) => self.values.push(value),
            Err(reason) => self.unread = self.unread.or(Some(reason)),
        }
    }

    /// Whether there is no such field.
    pub(super) fn is_absent(&self) -> bool {
        self.values.is_empty() && self.unread.is_none()
    }
}

/// The members named `label` in a dictionary field, each as it was written.
pub(super) fn labelled<'headers>(
    headers: &'headers HeaderMap,
    name: &HeaderName,
    label: &str,
) -> Written<'headers> {
    let members = headers.get_all(name).iter().flat_map(|line| members(line.as_bytes()));
    let ours: Vec<&[u8]> = members.filter(|member| has_key(member, label)).collect();
    let mut written = Written::default();
    for member in ours.into_iter().rev() {
        // The rest of the field may be a client's and of any length: it must not hide this member.
        let text = match member.len() > MAX_FIELD_BYTES {
            true => Err(UnknownReason::TooLarge),
            false => std::str::from_utf8(member.trim_ascii()).map_err(|_| UnknownReason::Malformed),
        };
        written.add(text.map(Cow::Borrowed));
    }
    written
}

/// The risk field as a detector may have signed it: all its lines together, as RFC 9421 wants them,
/// or one of them, the others being a client's.
pub(super) fn risk_fields(headers: &HeaderMap) -> Written<'_> {
    let mut written = Written::default();
    match combined(headers, &RISK) {
        Ok(None) => return written,
        Ok(Some(value)) => written.add(Ok(value)),
        Err(reason) => written.add(Err(reason)),
    }
    let lines: Vec<&HeaderValue> = headers.get_all(RISK).iter().collect();
    for line in lines.into_iter().rev().filter(|line| line.len() <= MAX_FIELD_BYTES) {
        let text = line.to_str().map(|text| Cow::Borrowed(text.trim_matches([' ', '\t'])));
        written.add(text.map_err(|_| UnknownReason::Malformed));
    }
    written
}

/// The value of a field for parsing and for signing: each line trimmed, joined by a comma and a
/// space (RFC 9421 §2.1). `None` when there is no such field.
pub(super) fn combined<'headers>(
    headers: &'headers HeaderMap,
    name: &HeaderName,
) -> Result<Option<Cow<'headers, str>>, UnknownReason> {
    let lines = headers.get_all(name);
    let bytes: usize = lines.iter().map(|line| line.len() + ", ".len()).sum();
    if bytes > MAX_FIELD_BYTES + ", ".len() {
        return Err(UnknownReason::TooLarge);
    }
    let mut lines = lines.iter();
    let Some(first) = lines.next() else { return Ok(None) };
    let mut value = Cow::Borrowed(trimmed(first)?);
    for line in lines {
        let value = value.to_mut();
        value.push_str(", ");
        value.push_str(trimmed(line)?);
    }
    Ok(Some(value))
}

/// A line as text, without the white space around it.
fn trimmed(line: &HeaderValue) -> Result<&str, UnknownReason> {
    // Of what is trimmed by the byte, it can hold spaces and tabs only.
    line.to_str().map(str::trim_ascii).map_err(|_| UnknownReason::Malformed)
}

/// The members of one line, with the whitespace around them: split at every comma that is not in
/// a string, the only place where a structured field may have one that separates nothing.
fn members(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut in_string, mut escaped) = (false, false);
    line.split(move |byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' => return !in_string,
            _ => {}
        }
        false
    })
}

fn has_key(member: &[u8], label: &str) -> bool {
    member
        .trim_ascii()
        .strip_prefix(label.as_bytes())
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'=' | b';' | b' ' | b'\t')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stripped(lines: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SIGNATURE_INPUT, HeaderValue::from_str(line).unwrap());
        }
        strip(&mut headers, DEFAULT_LABEL);
        let lines = headers.get_all(SIGNATURE_INPUT).iter();
        lines.map(|line| line.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn other_labels_keep_their_bytes() {
        let ours = r#"guilloche=("@path" "x");tag="a, \"b\",""#;
        let first = r#"a=("@path");  nonce="guilloche=, \",x" "#.trim();
        assert_eq!(stripped(&[first]), [first]);
        assert_eq!(stripped(&[&format!("{first} ,\t{ours}")]), [first]);
        assert_eq!(stripped(&[&format!("{ours},{first}")]), [first]);
        assert_eq!(stripped(&[&format!("{first}, {ours} ,  b=1")]), [format!("{first},  b=1")]);
        assert_eq!(stripped(&["guillochet=1, guilloche-2=3"]), ["guillochet=1, guilloche-2=3"]);
    }

    #[test]
    fn a_line_with_nothing_else_goes_away_and_other_lines_stay() {
        assert_eq!(stripped(&["guilloche=()", "b=()", "guilloche, guilloche;x"]), ["b=()"]);
    }

    #[test]
    fn every_risk_and_decision_header_of_a_client_is_stripped() {
        let mut headers = HeaderMap::new();
        for name in ["guilloche-risk", "guilloche-decision", "guilloche-decision-id", "accept"] {
            for _ in 0..2 {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static("x"));
            }
        }
        strip(&mut headers, DEFAULT_LABEL);
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["accept"]);
    }

    #[test]
    fn a_broken_signature_of_a_client_does_not_hide_the_detector_s() {
        let mut headers = HeaderMap::new();
        headers.append(SIGNATURE, HeaderValue::from_static("guilloche=!, x=("));
        headers.append(SIGNATURE, HeaderValue::from_static("guilloche=:AA==:"));
        headers.append(SIGNATURE, HeaderValue::from_static("broken=\"unterminated"));
        headers.append(SIGNATURE, HeaderValue::from_str(&"x".repeat(MAX_FIELD_BYTES)).unwrap());
        let Written { values, unread, crowded } = labelled(&headers, &SIGNATURE, DEFAULT_LABEL);
        assert_eq!(values, ["guilloche=:AA==:", "guilloche=!"]);
        assert!(unread.is_none() && !crowded);
    }

    #[test]
    fn lines_are_combined_as_the_signature_base_wants_them() {
        let mut headers = HeaderMap::new();
        headers.append(RISK, HeaderValue::from_static(" a=1 "));
        headers.append(RISK, HeaderValue::from_static("b=2"));
        assert_eq!(combined(&headers, &RISK).unwrap().unwrap(), "a=1, b=2");
        assert_eq!(combined(&headers, &SIGNATURE), Ok(None));
    }

    #[test]
    fn a_field_is_read_up_to_its_bound() {
        let mut headers = HeaderMap::new();
        headers.append(RISK, HeaderValue::from_str(&"x".repeat(MAX_FIELD_BYTES)).unwrap());
        assert!(combined(&headers, &RISK).is_ok());
        headers.append(RISK, HeaderValue::from_static(""));
        assert_eq!(combined(&headers, &RISK), Err(UnknownReason::TooLarge));
    }

    #[test]
    fn a_line_of_a_client_s_does_not_hide_a_detector_s_and_too_many_are_told() {
        let mut headers = HeaderMap::new();
        headers.append(RISK, HeaderValue::from_str(&"x".repeat(MAX_FIELD_BYTES + 1)).unwrap());
        headers.append(RISK, HeaderValue::from_bytes(b"\xff").unwrap());
        headers.append(RISK, HeaderValue::from_static("account=\"a\""));
        let written = risk_fields(&headers);
        assert_eq!(written.values, ["account=\"a\""]);
        assert_eq!((written.unread, written.crowded), (Some(UnknownReason::TooLarge), false));
        for index in 0..MAX_WRITTEN {
            headers.append(RISK, HeaderValue::from_str(&format!("x={index}")).unwrap());
        }
        assert!(risk_fields(&headers).crowded);
    }

    proptest! {
        /// The oracle is `sfv`: what it reads after stripping is what it read before, less ours.
        #[test]
        fn stripping_removes_one_label_of_any_dictionary(
            values in proptest::collection::vec(("[a-z]{1,3}|guilloche", "[ -~]{0,6}"), 1..6),
        ) {
            let quoted = |text: &str| text.replace('\\', r"\\").replace('"', "\\\"");
            let line: Vec<String> =
                values.iter().map(|(key, text)| format!("{key}=\"{}\"", quoted(text))).collect();
            let parse = |line: &str| sfv::Parser::new(line).parse::<sfv::Dictionary>().unwrap();
            let line = line.join(", ");
            let mut expected = parse(&line);
            expected.shift_remove(sfv::KeyRef::from_str(DEFAULT_LABEL).unwrap());
            prop_assert_eq!(parse(&stripped(&[&line]).concat()), expected);
        }
    }
}
