//! Which carrier marks a response, and what it needs in the request.
//!
//! The carriers of a deployment stand in an order of preference. The first that is sound for a
//! request marks its response: an engine's own mark says nothing where the most likely token is
//! always taken, a bias would harm an answer that follows a grammar, an edit of the text one that a
//! program reads. What the client itself says of marks is taken out, whatever is chosen.

mod asked;
mod logit_bias;
mod proofs;
mod sglang;
mod vllm;
mod vllm_xargs;

use std::fmt;
use std::sync::Arc;

use crate::mark::keys::{Keys, Recipient};
use crate::wire::json::Edit;
use crate::wire::{Request, Use};

use super::Carrier;
use asked::Asked;

pub use logit_bias::{Entries, LogitBias};
pub use proofs::{Proof, Proofs};
pub use sglang::Sglang;
pub use vllm_xargs::{KeyOf, VllmXargs};

/// The strongest bias of a single token where the most likely one is always taken: such requests
/// are often measurements of the model, and a greater one would show.
const GREEDY_DELTA: f64 = 0.5;

/// A carrier and how it is set.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CarrierSetting {
    /// [`Carrier::Sglang`]
    Sglang(Sglang),
    /// [`Carrier::Vllm`], which is set where the engine is started.
    Vllm,
    /// [`Carrier::VllmXargs`]
    VllmXargs(VllmXargs),
    /// [`Carrier::LogitBias`]
    LogitBias(LogitBias),
    /// [`Carrier::Lexical`]
    Lexical,
}

/// The carriers of a deployment, in order of preference.
#[derive(Clone, Debug)]
pub struct Carriers {
    order: Vec<CarrierSetting>,
    proofs: Arc<Proofs>,
}

impl Default for Carriers {
    /// The mark that needs nothing of the upstream.
    fn default() -> Self {
        Self::new(vec![CarrierSetting::Lexical])
    }
}

/// Whose mark a response is to carry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkTerms<'a> {
    /// The principal.
    pub recipient: Recipient<'a>,
    /// The epoch of the keys.
    pub epoch: u32,
    /// How much of the text carries the mark, 0 to 1.
    pub strength: f64,
}

/// What is done to a request so that its response is marked.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// By what the response is marked; `None` if nothing sound is left for this request.
    pub carrier: Option<Carrier>,
    /// Edits of what stays of the request. They hold keys.
    pub edits: Vec<Edit>,
    /// Members of the top level to be taken out, by index, in one go with those that others take
    /// out ([`Request::removals`]).
    pub removed: Vec<usize>,
    /// Settings of a mark that the edits add.
    pub set: u64,
    /// Settings of the client's own that would set, weaken or turn off a mark, now taken out.
    pub stripped: u64,
}

impl Carriers {
    /// Carriers in order of preference, all of which are taken to work.
    #[must_use]
    pub fn new(order: Vec<CarrierSetting>) -> Self {
        Self { order, proofs: Arc::default() }
    }

    /// The carriers, in order of preference.
    #[must_use]
    pub fn order(&self) -> &[CarrierSetting] {
        &self.order
    }

    /// What is known of whether the upstream knows the carriers; shared by all clones.
    #[must_use]
    pub fn proofs(&self) -> &Arc<Proofs> {
        &self.proofs
    }

    /// Chooses the carrier of the response to a request that is to be marked. `closed` are the
    /// members of its top level that are taken out anyway, by index.
    #[must_use]
    pub fn choose(
        &self,
        keys: &Keys,
        terms: MarkTerms<'_>,
        request: &Request,
        closed: &[usize],
    ) -> Choice {
        let open = |member: &usize| !closed.contains(member);
        let generation = &request.generation;
        let removed: Vec<usize> = generation.mark_members.iter().copied().filter(open).collect();
        let inside = generation.mark_edits.iter().filter(|(member, _)| open(member));
        let mut edits: Vec<Edit> = inside.map(|(_, edit)| edit.clone()).collect();
        let stripped = (removed.len() + edits.len()) as u64;
        let asked = Asked { keys, terms, request, closed, removed: closed.len() + removed.len() };
        let wanted = |setting: &&CarrierSetting| {
            terms.strength > 0.0 && self.proofs.get(setting.carrier()).allows()
        };
        let mut order = self.order.iter().filter(wanted);
        let chosen = order.find_map(|setting| Some((setting.carrier(), setting.edits(&asked)?)));
        let (carrier, added) = chosen.unzip();
        let added = added.unwrap_or_default();
        let set = added.len() as u64;
        edits.extend(added);
        Choice { carrier, edits, removed, set, stripped }
    }
}

impl CarrierSetting {
    /// Which carrier it is.
    #[must_use]
    pub fn carrier(&self) -> Carrier {
        match self {
            Self::Sglang(_) => Carrier::Sglang,
            Self::Vllm => Carrier::Vllm,
            Self::VllmXargs(_) => Carrier::VllmXargs,
            Self::LogitBias(_) => Carrier::LogitBias,
            Self::Lexical => Carrier::Lexical,
        }
    }

    /// What it needs in the request; `None` if it is not sound for it.
    fn edits(&self, asked: &Asked<'_>) -> Option<Vec<Edit>> {
        match self {
            Self::Sglang(settings) => settings.edits(asked),
            Self::Vllm => vllm::edits(asked),
            Self::VllmXargs(settings) => settings.edits(asked),
            Self::LogitBias(settings) => settings.edits(asked),
            Self::Lexical => {
                // What is spoken comes as a transcript, which is left alone; a text beside it is none.
                let read = [Use::Structured, Use::Predicted, Use::Called, Use::Probabilities];
                // Of a prompt that is known it can be told where it ends.
                let echoed = asked.request.prompts.is_none() && asked.used(&[Use::Echoed]);
                (!asked.used(&read) && !echoed).then(Vec::new)
            }
        }
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { carrier, edits, removed, set, stripped } = self;
        formatter
            .debug_struct("Choice")
            .field("carrier", carrier)
            .field("edits", &edits.len())
            .field("removed", removed)
            .field("set", set)
            .field("stripped", stripped)
            .finish()
    }
}
