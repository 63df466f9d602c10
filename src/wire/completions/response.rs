//! Where a completion keeps its text.
//!
//! In choices, as the standard has it. llama.cpp's server answers a part of these paths in a form of its own.

use crate::wire::chat::response::{Form, Texts, scan as scan_choices};
use crate::wire::json::Error;
use crate::wire::llama_cpp::response as llama_cpp;
use crate::wire::scan::Scan;

pub(super) fn scan(bytes: &[u8], form: Form, scan: &mut Scan) -> Result<(), Error> {
    if llama_cpp::is_own(bytes) {
        return llama_cpp::scan(bytes, form, scan);
    }
    scan_choices(bytes, (form, Texts::Choices), scan)
}
