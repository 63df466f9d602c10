//! Bytes on the wire: framings, a byte-exact JSON editor, and where each protocol keeps its text.
