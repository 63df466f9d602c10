//! A green-list mark of a vLLM plugin, set by `vllm_xargs` in each request.
//!
//! The plugin (vllm-sbw 1.0.0) takes `gamma`, `delta`, `hash_key` and `seeding_scheme`. `gamma` and
//! `delta` are those of each request. The key is not: 1.0.0 marks all requests of a batch with the
//! key of the request that joined it last (`SBWLogitsProcessor.update_state`), so that keys of
//! accounts would mark one account's answers with another's. The key of the deployment is therefore
//! the default; a plugin that keeps keys apart can be given those of principals.

use crate::mark::cell::{KeyName, Purpose, Role};
use crate::mark::keys::EngineKey;
use crate::wire::Use;
use crate::wire::json::{Edit, escape};

use super::asked::Asked;
use super::{GREEDY_DELTA, MarkTerms};
use crate::mark::keys::Keys;

/// Whose key a mark is made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyOf {
    /// One key for a tenant of the deployment: the mark tells that an answer is ours, not to whom
    /// it went.
    #[default]
    Deployment,
    /// A key of the account, or of its cluster once it is linked.
    Principal,
}

/// How the plugin is told to mark.
#[derive(Clone, Debug, PartialEq)]
pub struct VllmXargs {
    /// The share of the vocabulary that is favoured.
    pub gamma: f64,
    /// What the logits of favoured tokens are raised by at full strength.
    pub delta: f64,
    /// The plugin's name of the rule by which tokens before choose the favoured ones.
    pub seeding_scheme: String,
    /// Whose key it is.
    pub key_of: KeyOf,
}

impl Default for VllmXargs {
    fn default() -> Self {
        Self {
            gamma: 0.25,
            delta: 2.0,
            seeding_scheme: "gpu-fused-selfhash-fullvocab".to_owned(),
            key_of: KeyOf::default(),
        }
    }
}

impl VllmXargs {
    /// The plugin's members, without the braces around them. They hold the key.
    #[must_use]
    pub fn members(&self, delta: f64, hash_key: u64) -> String {
        let Self { gamma, seeding_scheme, .. } = self;
        let mut scheme = Vec::new();
        escape(seeding_scheme, &mut scheme);
        let scheme = String::from_utf8_lossy(&scheme);
        format!(
            r#""gamma":{gamma},"delta":{delta},"hash_key":{hash_key},"seeding_scheme":"{scheme}""#
        )
    }

    /// The plugin's key ([`EngineKey::hash_key`]).
    #[must_use]
    pub fn hash_key(&self, keys: &Keys, terms: MarkTerms<'_>) -> u64 {
        let MarkTerms { recipient, epoch, .. } = terms;
        let key = match self.key_of {
            KeyOf::Principal => keys.engine_key(epoch, recipient),
            KeyOf::Deployment => EngineKey::new(&keys.derive(&KeyName {
                purpose: Purpose::Engine,
                tenant: recipient.tenant,
                epoch,
                role: Role::Global,
                id: "",
            })),
        };
        key.hash_key()
    }

    pub(super) fn edits(&self, asked: &Asked<'_>) -> Option<Vec<Edit>> {
        let generation = &asked.request.generation;
        let harmed =
            [Use::Structured, Use::Predicted, Use::Called, Use::Probabilities, Use::Spoken];
        if generation.beam || generation.tools || asked.used(&harmed) {
            return None;
        }
        let delta = self.delta * asked.terms.strength;
        let delta = if generation.greedy { delta.min(GREEDY_DELTA) } else { delta };
        let members = self.members(delta, self.hash_key(asked.keys, asked.terms));
        asked.merge("vllm_xargs", &generation.plugins, &members)
    }
}
