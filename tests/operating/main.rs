//! The proxy as somebody sets it up who has just installed it: the command alone, and what it says.

#![cfg(all(unix, feature = "cli"))]
#![expect(clippy::unwrap_used, reason = "Clippy takes functions for tests by their attribute only")]

mod check;
mod init;
mod packaged;
mod pages;
mod signed;
mod support;
