//! The promises of DESIGN §4 through the whole: a client, the real proxy, the embedded upstream.

#[cfg(test)]
mod endings;
#[cfg(test)]
mod graded;
#[cfg(test)]
mod marked;
#[cfg(test)]
mod multi_turn;
#[cfg(test)]
mod operation;
#[cfg(test)]
#[path = "../hostile/process.rs"]
#[expect(dead_code, reason = "only hostile inputs look at panics and memory")]
mod process;
#[cfg(test)]
mod records;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod sealed;
#[cfg(test)]
mod sockets;
#[cfg(test)]
mod summed_up;
#[cfg(test)]
mod texts;
#[cfg(test)]
mod untouched;
