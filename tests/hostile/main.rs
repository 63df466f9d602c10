//! Hostile clients and broken upstreams, through the command `guilloche serve`.
//!
//! `manifest.toml` lists every case with what must come of it for two callers: one whose risk is
//! unknown, to whom nothing is done, and one at the second grade of `policies/strict.toml`, whose
//! reasoning is withheld. Small inputs are files beside it; large ones are made by `generated.rs`.
//! Whatever the case: the process neither panics nor grows, the caller of the second grade never
//! sees the reasoning, the upstream never gets a request that two servers could read differently,
//! and the stream of another caller that is open meanwhile comes whole, byte for byte.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod client;
#[cfg(test)]
mod crowds;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod manifest;
#[cfg(test)]
mod process;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod risk_headers;
#[cfg(test)]
mod upstream;
