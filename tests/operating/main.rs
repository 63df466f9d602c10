//! The proxy as somebody sets it up who has just installed it: the command alone, and what it says.

#![cfg(all(unix, feature = "cli"))]
#![expect(clippy::unwrap_used, reason = "Clippy takes functions for tests by their attribute only")]

mod check;
mod closed_output;
mod init;
mod kept_files;
mod keys;
mod messages;
mod packaged;
mod pages;
mod signed;
mod support;
