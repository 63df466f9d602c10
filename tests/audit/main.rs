//! `guilloche audit`, over files that the proxy's own sink has written.

#![cfg(feature = "cli")]

#[cfg(test)]
mod find;
#[cfg(test)]
mod report;
#[cfg(test)]
mod scene;
