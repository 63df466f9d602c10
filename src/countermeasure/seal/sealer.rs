//! Sealing what is withheld of one answer.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::blob::{self, Bound, Contents, Head};
use super::string::SealedString;
use super::{Conversation, SealHolder};
use crate::countermeasure::Editor;
use crate::policy::plan::Seal;
use crate::secret::opaque_debug;

opaque_debug!(Sealer);

/// A kind of carrier that no protocol has.
const NOWHERE: &str = "nowhere";

/// Seals for one principal what one model says, in one conversation.
#[derive(Clone)]
pub struct Sealer {
    holder: SealHolder,
    /// `None` if it is not certain which model answers.
    model: Option<Arc<str>>,
    conversation: Option<Conversation>,
    lifetime: Duration,
    bucket: usize,
    /// How blobs are named that take the place of strings of reasoning, if they do.
    in_strings: Option<&'static str>,
}

impl Sealer {
    /// What `settings` say of the answers of `model`, in the conversation in which alone they open. Where
    /// it is not certain which model answers, blobs hold nothing, and none of them ever opens: the
    /// client has them leave the reasoning out of the next turn.
    #[must_use]
    pub fn new(
        holder: SealHolder,
        settings: &Seal,
        model: Option<&str>,
        conversation: Option<Conversation>,
    ) -> Self {
        holder.keys.use_it();
        Self {
            holder,
            model: model.map(Into::into),
            conversation,
            lifetime: settings.lifetime,
            bucket: usize::try_from(settings.bucket.get()).unwrap_or(usize::MAX),
            in_strings: None,
        }
    }

    /// The same, with blobs of this name in the place of strings of reasoning.
    #[must_use]
    pub fn in_strings(self, carrier: Option<&'static str>) -> Self {
        Self { in_strings: carrier, ..self }
    }

    /// What seals a string of reasoning as it comes, if blobs take the place of such.
    pub(in crate::countermeasure) fn editor(&self) -> Option<Box<dyn Editor>> {
        Some(Box::new(SealedString::new(self.clone(), self.in_strings?)))
    }

    /// Whether what is sealed can be opened again.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.model.is_some()
    }

    /// A blob for a kind of carrier that holds these texts, by their numbers, and what the upstream
    /// had put there: JSON as it was written. `None` if it would be larger than any.
    #[must_use]
    pub fn seal(
        &self,
        carrier: &'static str,
        texts: &[(u32, &[u8])],
        value: Option<&[u8]>,
    ) -> Option<String> {
        let Self { holder, model, conversation, lifetime, bucket, in_strings: _ } = self;
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        let expires = Timestamp::now().as_second().saturating_add(seconds);
        let head = Head {
            key: holder.keys.newest(),
            expires: u32::try_from(expires).unwrap_or(u32::MAX),
            by_conversation: conversation.is_some(),
        };
        let (carrier, texts, value) = match model {
            Some(_) => (carrier, texts, value),
            None => (NOWHERE, &[][..], None),
        };
        let model = model.as_deref().unwrap_or_default();
        let bound = Bound { carrier, model, conversation: *conversation };
        let contents = Contents { texts, value };
        let key = holder.principal.first()?;
        blob::seal(key, holder.keys.nonce(), head, &bound, &contents, *bucket)
    }
}
