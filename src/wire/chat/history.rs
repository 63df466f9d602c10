//! Where a chat request repeats what was said.

use crate::wire::history::Names;

/// A result is told from others by the call that it answers.
pub(super) const NAMES: Names =
    Names { contents: &["content"], texts: &["text"], message: &["tool_call_id"], part: &[] };
