//! Experiments on live traffic: the proxy on real sockets, callers in its arms, and what is written.

#[cfg(test)]
mod exposures;
#[cfg(test)]
mod hidden;
#[cfg(test)]
#[path = "../hostile/process.rs"]
#[expect(dead_code, reason = "the proxy runs in this process")]
mod process;
#[cfg(test)]
mod rollback;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod sticky;
#[cfg(test)]
#[path = "../proxy_served/support.rs"]
#[expect(dead_code, reason = "only whole answers are given")]
mod support;
