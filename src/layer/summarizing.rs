//! Looking ahead in an answer for what is to be condensed, and waiting until it is.
//!
//! What comes of the upstream is read twice. What reads it first lets nothing out: it finds the
//! texts of reasoning that end in it. Only when each of them has its summary, or has none, is it read
//! again, by what does let out. So both see the same bytes in the same order and come to the same
//! ends of texts, nothing that has gone out has to be changed, and without a summary the answer is
//! the one of which nothing is kept. While it waits the upstream is not asked for more.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;

use super::form::Form;
use super::summarizer::Condenser;
use super::turns::let_others_go_first;
use crate::countermeasure::ResponseEdits;
use crate::countermeasure::summary::{SummaryBook, SummaryFailure, SummaryKey};
use crate::ready::Waiting;
use crate::secret::opaque_debug;
use crate::wire::Protocol;

opaque_debug!(Summarizing, Next);

/// What has come of the upstream.
pub(super) enum Next {
    Chunk(Bytes),
    /// The end, with its trailers if there are any.
    End(Option<HeaderMap>),
}

/// The summaries of one answer.
pub(super) struct Summarizing {
    condenser: Arc<Condenser>,
    book: SummaryBook,
    /// What looks ahead; `None` once it cannot go on, and nothing more is condensed.
    ahead: Option<Form>,
    asked: Vec<(SummaryKey, Waiting<Result<String, SummaryFailure>>)>,
    /// What has come and is not read yet by what lets out.
    next: Option<Next>,
    /// It has been looked through.
    looked: bool,
}

impl Summarizing {
    /// For an answer that `form` is to read with the edits that it gets. What is to be done to it, with
    /// the summaries in it.
    pub(super) fn begin(
        condenser: &Arc<Condenser>,
        protocol: &dyn Protocol,
        edits: ResponseEdits,
        form: impl FnOnce(ResponseEdits) -> Form,
    ) -> (ResponseEdits, Box<Self>) {
        let book = SummaryBook::new(condenser.rules());
        let edits = edits.summed_up_in(book.clone(), protocol);
        let summarizing = Self {
            condenser: Arc::clone(condenser),
            book,
            ahead: Some(form(edits.ahead())),
            asked: Vec::new(),
            next: None,
            looked: false,
        };
        (edits, Box::new(summarizing))
    }

    /// Takes what has come, to be given back when it can be read.
    pub(super) fn take(&mut self, next: Next) {
        self.look(&next);
        self.next = Some(next);
    }

    /// Whether something waits to be given back.
    pub(super) fn waits(&self) -> bool {
        self.next.is_some()
    }

    /// Bytes that are held for it.
    pub(super) fn held(&self) -> usize {
        let next = match &self.next {
            Some(Next::Chunk(chunk)) => chunk.len(),
            Some(Next::End(_)) | None => 0,
        };
        next + self.book.held() + self.ahead.as_ref().map_or(0, Form::held)
    }

    /// Gives back what has come, once all that is to be condensed in it has been, or has not.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Next>> {
        if !self.looked {
            self.work();
            if !self.looked {
                let_others_go_first(context);
                return Poll::Pending;
            }
        }
        for wanted in self.book.wanted() {
            match self.condenser.condense(wanted.reasoning) {
                Ok(waiting) => self.asked.push((wanted.key, waiting)),
                Err(failure) => self.book.settle(wanted.key, Err(failure)),
            }
        }
        let book = &self.book;
        self.asked.retain_mut(|(key, waiting)| match waiting.as_mut().poll(context) {
            Poll::Ready(summary) => {
                book.settle(*key, summary);
                false
            }
            Poll::Pending => true,
        });
        if self.asked.is_empty() { Poll::Ready(self.next.take()) } else { Poll::Pending }
    }

    /// Looks through what has come.
    fn look(&mut self, next: &Next) {
        self.looked = true;
        let Some(ahead) = &mut self.ahead else { return };
        let goes_on = match next {
            Next::Chunk(chunk) => {
                let chunk = ahead.look_at(chunk.clone());
                match ahead {
                    Form::Events(events) => {
                        events.push(chunk);
                        loop {
                            match events.next_event() {
                                Ok(Some(_)) => {}
                                Ok(None) => break true,
                                Err(_) => break false,
                            }
                        }
                    }
                    Form::Document(document) => document.push(chunk).is_ok(),
                }
            }
            Next::End(_) => match ahead {
                Form::Events(events) => events.finish().is_ok(),
                Form::Document(document) => {
                    let found = document.finish();
                    self.looked = !document.has_work();
                    found.is_ok()
                }
            },
        };
        if !goes_on {
            (self.ahead, self.looked) = (None, true);
        }
    }

    /// Looks through the next part of a document.
    fn work(&mut self) {
        self.looked = match &mut self.ahead {
            Some(Form::Document(document)) => !matches!(document.work(), Ok(None)),
            Some(Form::Events(_)) | None => true,
        };
    }
}
