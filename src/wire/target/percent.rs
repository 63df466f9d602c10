//! Escapes of paths and queries.

use std::borrow::Cow;
use std::fmt::Write;

/// How often a query is unescaped: gateways hand what they have read on to others.
const ESCAPED: usize = 3;

/// A part of a query as servers read it, be it escaped again and again.
pub(in crate::wire) fn unescaped(part: &str) -> String {
    let mut text = part.replace('+', " ");
    for _ in 0..ESCAPED {
        if !text.contains('%') {
            break;
        }
        text = once_unescaped(&text);
    }
    text
}

fn once_unescaped(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let mut digit = || char::from(ahead.next()?).to_digit(16);
        let escaped = (byte == b'%').then(|| Some(digit()? * 16 + digit()?)).flatten();
        match escaped.and_then(|code| u8::try_from(code).ok()) {
            Some(code) => {
                plain.push(code);
                bytes = ahead;
            }
            None => plain.push(byte),
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// A part of a path as its server reads it.
pub(in crate::wire) fn decoded(part: &str) -> Cow<'_, str> {
    if part.contains('%') { once_unescaped(part).into() } else { part.into() }
}

/// A text as a part of a path has it.
pub(in crate::wire) fn in_path(text: &str) -> String {
    escaped(text, b"-._~/:@")
}

/// A text as one segment of a path has it, or the value of a query's parameter.
pub(in crate::wire) fn in_component(text: &str) -> String {
    escaped(text, b"-._~")
}

fn escaped(text: &str, plain: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            out.push(byte.into());
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
