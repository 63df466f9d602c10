//! What the teacher says: its reasoning, its answers, and its replies to everything else.
//!
//! Every sentence has several forms with the words an ordinary assistant varies (however/but,
//! about/roughly, start/begin), chosen by a [`Wording`](crate::teacher::wording::Wording).

mod answer;
mod phrase;
mod reasoning;
mod summary;
mod talk;

pub(crate) use answer::{answer, beyond, final_answer_of};
pub(crate) use reasoning::{Effort, reasoning, talk_reasoning};
pub(crate) use summary::{asks_summary, summary};
pub(crate) use talk::{not_understood, talk};
