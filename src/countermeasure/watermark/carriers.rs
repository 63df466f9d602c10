//! Which carrier marks a response, and what it needs in the request.

use crate::mark::keys::{Keys, Marked};
use crate::wire::Request;
use crate::wire::json::Edit;

use super::Carrier;

/// The carriers of a deployment, in order of preference.
#[derive(Clone, Debug)]
pub struct Carriers {
    order: Vec<Carrier>,
}

impl Default for Carriers {
    /// The mark that needs nothing of the upstream.
    fn default() -> Self {
        Self { order: vec![Carrier::Lexical] }
    }
}

/// Whose mark a response is to carry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkedAs<'a> {
    /// The principal.
    pub marked: Marked<'a>,
    /// The epoch of the keys.
    pub epoch: u32,
    /// How much of the text carries the mark, 0 to 1.
    pub strength: f64,
}

/// What is done to a request so that its response is marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// By what the response is marked; `None` if nothing sound is left for this request.
    pub carrier: Option<Carrier>,
    /// Edits of what stays of the request.
    pub edits: Vec<Edit>,
    /// Members of the top level to be taken out, by index, in one go with those that others take
    /// out ([`Request::removals`]).
    pub removed: Vec<usize>,
    /// Settings of the client's own that would set, weaken or turn off a mark, now taken out.
    pub stripped: u64,
}

impl Carriers {
    /// Chooses the carrier of the response to a request that is to be marked. `closed` are the
    /// members of its top level that are taken out anyway, by index.
    #[must_use]
    pub fn choose(
        &self,
        _keys: &Keys,
        _marked: MarkedAs<'_>,
        request: &Request,
        closed: &[usize],
    ) -> Choice {
        let sound = |carrier: &&Carrier| match carrier {
            Carrier::Lexical => !request.machine_read(closed),
            _ => false,
        };
        Choice { carrier: self.order.iter().find(sound).copied(), ..Choice::default() }
    }
}
