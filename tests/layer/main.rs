//! The layer as its users see it: around a scripted inner service, in virtual time.
//!
//! Each test of a promise (DESIGN §4) says which code to break so that it fails.

#[cfg(test)]
mod across;
#[cfg(test)]
mod beside;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod calling;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod failing;
#[cfg(test)]
mod head;
#[cfg(test)]
mod hooked;
#[cfg(test)]
mod linear;
#[cfg(test)]
mod long_data;
#[cfg(test)]
mod marks;
#[cfg(test)]
mod no_weaker;
#[cfg(test)]
mod numbered;
#[cfg(test)]
mod observed;
mod observed_unread;
#[cfg(test)]
mod other_members;
#[cfg(test)]
mod pace;
#[cfg(test)]
mod planted;
#[cfg(test)]
mod rate;
#[cfg(test)]
mod refuse;
#[cfg(test)]
mod rendered;
#[cfg(test)]
mod repeated;
#[cfg(test)]
mod replacing;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod restoring;
#[cfg(test)]
mod sealed;
#[cfg(test)]
mod sealed_chat;
#[cfg(test)]
mod sealed_converse;
#[cfg(test)]
mod sealed_counts;
#[cfg(test)]
mod sealed_gemini;
#[cfg(test)]
mod sealed_opening;
#[cfg(test)]
mod sealed_responses;
#[cfg(test)]
mod sealed_strings;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod splits;
#[cfg(test)]
mod spoofing;
#[cfg(test)]
mod stored;
#[cfg(test)]
mod summarizers;
#[cfg(test)]
mod summed_up;
mod summed_up_everywhere;
#[cfg(test)]
mod summed_up_responses;
#[cfg(test)]
mod summed_up_shown;
#[cfg(test)]
mod support;
#[cfg(test)]
mod telling;
#[cfg(test)]
mod tried;
#[cfg(test)]
mod unopened;
#[cfg(test)]
mod untouched;
#[cfg(test)]
mod vendors;
#[cfg(test)]
mod waiting;
#[cfg(test)]
mod withheld;
