//! The proxy on real sockets of this machine, between clients and upstreams that the tests drive.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod carriers;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod endings;
#[cfg(test)]
mod listening;
#[cfg(test)]
mod multiplexed;
#[cfg(test)]
mod naming;
#[cfg(test)]
mod passing;
#[cfg(test)]
#[cfg(unix)]
mod reloading;
#[cfg(test)]
mod reuse;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod stopping;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod upgrades;
