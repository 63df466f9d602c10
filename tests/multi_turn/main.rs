//! Conversations through the layer with an upstream that compares what comes back with what it
//! wrote: the embedded one, which binds its signed thinking to all text before it.

#[cfg(test)]
mod callers;
#[cfg(test)]
mod interleaved;
#[cfg(test)]
mod talk;
#[cfg(test)]
mod turns;
