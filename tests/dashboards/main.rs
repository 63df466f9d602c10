//! The Grafana dashboard and the alert rules of `packaging`, against the metrics of a real proxy.

#![cfg(feature = "cli")]

#[cfg(test)]
mod checks;
#[cfg(test)]
#[path = "../hostile/process.rs"]
#[expect(dead_code, reason = "the proxy runs in this process")]
mod process;
#[cfg(test)]
mod query;
#[cfg(test)]
mod scrape;
#[cfg(test)]
#[path = "../proxy_served/support.rs"]
#[expect(dead_code, reason = "only whole answers are given")]
mod support;
#[cfg(test)]
mod traffic;
