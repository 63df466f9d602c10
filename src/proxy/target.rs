//! Request targets with a fragment.
//!
//! No target has one (RFC 9112, section 3.2), but the HTTP library cuts it off without a word. A
//! detector that signs the path as it stands on the wire would then have signed another, and its
//! score would be lost to a `#` that a client added. So the lines that look like request lines with
//! one are noted as they are read, before they are parsed, and their requests are refused.

use crate::secret::opaque_debug;
use http::Uri;
use memchr::{memchr, memrchr};

/// The longest method.
const METHOD: usize = 32;

/// The longest target that is kept to be told apart.
const TARGET: usize = 8 << 10;

/// Lines that are kept until their request comes. A body may hold lines that look the same; whoever
/// sends more of them than this sends no other request on the connection.
const LINES: usize = 64;

/// Finds them in what is read of a connection.
#[derive(Default)]
pub(super) struct Targets {
    state: State,
    line: Vec<u8>,
}

opaque_debug!(Targets);

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// So many bytes of what may be a method.
    Method(usize),
    /// In what may be a target.
    Target,
    /// In a line of another kind.
    #[default]
    Other,
}

/// Those that were found.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    found: Vec<Uri>,
    crowded: bool,
}

impl Targets {
    /// At the beginning of a connection.
    pub(super) fn new() -> Self {
        Self { state: State::Method(0), line: Vec::new() }
    }

    /// Reads on, and calls back with each target that has a fragment; with nothing where one is too
    /// long to be told apart.
    pub(super) fn read(&mut self, bytes: &[u8], mut found: impl FnMut(Option<&[u8]>)) {
        let begun = matches!(self.state, State::Target) && memchr(b'#', &self.line).is_some();
        let mut bytes = bytes;
        // Without one in sight no line that ends here matters.
        if !begun && memchr(b'#', bytes).is_none() {
            if let Some(end) = memrchr(b'\n', bytes) {
                bytes = bytes.get(end + 1..).unwrap_or_default();
                self.state = State::Method(0);
            }
        }
        while let Some((&byte, rest)) = bytes.split_first() {
            match (self.state, byte) {
                (State::Other, _) => {
                    let Some(end) = memchr(b'\n', bytes) else { return };
                    bytes = bytes.get(end + 1..).unwrap_or_default();
                    self.state = State::Method(0);
                    continue;
                }
                (_, b'\n') => self.state = State::Method(0),
                (State::Method(0), b'\r') => {}
                (State::Method(1..), b' ') => {
                    self.line.clear();
                    self.state = State::Target;
                }
                (State::Method(known), _) => {
                    let token = is_token(byte) && known < METHOD;
                    self.state = if token { State::Method(known + 1) } else { State::Other };
                }
                (State::Target, b' ') => {
                    if memchr(b'#', &self.line).is_some() {
                        found(Some(&self.line).filter(|line| line.len() <= TARGET).map(|it| &**it));
                    }
                    self.state = State::Other;
                }
                (State::Target, b'\t' | b'\r') => self.state = State::Other,
                // What comes after the fragment has begun matters no more.
                (State::Target, _) if self.line.len() <= TARGET || byte == b'#' => {
                    self.line.push(byte);
                }
                (State::Target, _) => {}
            }
            bytes = rest;
        }
    }
}

/// Whether a byte may stand in a method (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    let separates = matches!(
        byte,
        b'"' | b'(' | b')' | b',' | b'/' | b':'..=b'@' | b'[' | b'\\' | b']' | b'{' | b'}'
    );
    byte.is_ascii_graphic() && !separates
}

impl Fragments {
    /// Notes a target that has one.
    pub(super) fn note(&mut self, target: Option<&[u8]>) {
        // What cannot be parsed makes no request.
        let Some(target) = target else { return self.crowded = true };
        let Ok(uri) = Uri::try_from(target) else { return };
        if self.found.len() == LINES {
            self.crowded = true;
        } else {
            self.found.push(uri);
        }
    }

    /// Whether a request for `uri` may have had one. Several are read at once where they are sent
    /// without waiting for answers, so that those for the same target cannot be told apart.
    pub(super) fn had(&self, uri: &Uri) -> bool {
        self.crowded || self.found.contains(uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the bytes in pieces, cut at `cut`.
    fn fragments(bytes: &[u8], cut: usize) -> Fragments {
        let (mut targets, mut fragments) = (Targets::new(), Fragments::default());
        let (front, behind) = bytes.split_at(cut.min(bytes.len()));
        targets.read(front, |target| fragments.note(target));
        targets.read(behind, |target| fragments.note(target));
        fragments
    }

    #[test]
    fn a_fragment_is_found_wherever_the_bytes_are_cut() {
        let heads =
            b"\r\nPOST /a#x HTTP/1.1\r\nhost: a\r\n\r\n{\"a\":1}GET http://h/b?c#?d HTTP/1.1\n\n";
        let ours = b"GET /b?c# HTTP/1.0\r\nreferer: /c#d\r\n\r\n";
        for cut in 0..heads.len() {
            let found = fragments(heads, cut);
            assert!(found.had(&"/a".parse().unwrap()), "{cut}");
            assert!(!found.had(&"/b".parse().unwrap()), "{cut}");
        }
        for cut in 0..ours.len() {
            assert!(fragments(ours, cut).had(&"/b?c".parse().unwrap()), "{cut}");
            assert!(!fragments(ours, cut).had(&"/c".parse().unwrap()), "{cut}");
        }
    }

    proptest::proptest! {
        // Break it: pass over lines that a target with a fragment has begun before.
        #[test]
        fn what_is_found_does_not_depend_on_where_the_bytes_are_cut(
            text in "(GET |/a|#b| |HTTP/1.1|\r\n|\n|x: |\\{){0,24}",
            cuts in proptest::collection::vec(1..9_usize, 0..40),
        ) {
            let read = |pieces: &[&[u8]]| {
                let (mut targets, mut found) = (Targets::new(), Vec::new());
                for piece in pieces {
                    targets.read(piece, |target| found.push(target.map(<[u8]>::to_vec)));
                }
                found
            };
            let bytes = text.as_bytes();
            let one_by_one: Vec<&[u8]> = bytes.chunks(1).collect();
            let (mut pieces, mut rest) = (Vec::new(), bytes);
            for cut in cuts {
                let (piece, behind) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = behind;
            }
            pieces.push(rest);
            proptest::prop_assert_eq!(read(&pieces), read(&one_by_one));
            proptest::prop_assert_eq!(read(&[bytes]), read(&one_by_one));
        }
    }

    #[test]
    fn bodies_and_other_lines_are_no_targets() {
        for bytes in [
            &b"POST /a HTTP/1.1\r\nx: /a#b \r\n\r\n"[..],
            b"POST /a HTTP/1.1\r\n\r\n# a heading \n## b\n- see /a#b \n",
            b"POST /a HTTP/1.1\r\n\r\n{\"a\":\"GET /a#b HTTP/1.1\"}",
        ] {
            assert!(!fragments(bytes, 0).had(&"/a".parse().unwrap()));
        }
    }

    /// A client may not hide one behind what looks like many.
    #[test]
    fn what_cannot_be_told_apart_counts() {
        let many = "GET /z#z HTTP/1.1\r\n".repeat(LINES);
        assert!(
            fragments(format!("{many}GET /a#b HTTP/1.1\r\n").as_bytes(), 0)
                .had(&"/a".parse().unwrap())
        );
        let long = format!("GET /{}#b HTTP/1.1\r\n", "a".repeat(2 * TARGET));
        assert!(fragments(long.as_bytes(), 7).had(&"/a".parse().unwrap()));
    }
}
