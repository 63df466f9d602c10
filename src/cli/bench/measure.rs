//! What is measured, and in which units.

use clap::ValueEnum;
use serde::Serialize;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// JSON requests per second, and their latency.
    Rps,
    /// Events per second of streams without a pause, and the time to the first event.
    Stream,
    /// CPU time of the proxy per event.
    Cpu,
    /// Resident memory of the proxy per open stream.
    Memory,
}

impl Measure {
    pub(super) const ALL: [Self; 4] = [Self::Rps, Self::Stream, Self::Cpu, Self::Memory];

    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Rps => "requests/s",
            Self::Stream => "events/s",
            Self::Cpu => "µs/event",
            Self::Memory => "KiB/stream",
        }
    }

    pub(super) fn is_rate(self) -> bool {
        matches!(self, Self::Rps | Self::Stream)
    }
}
