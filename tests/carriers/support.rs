//! A deployment with every carrier, and requests that go through its choice.

use std::num::NonZeroU8;
use std::sync::Arc;

use guilloche::countermeasure::watermark::{
    Carrier, CarrierSetting, Carriers, Choice, Entries, LogitBias, MarkTerms, Sglang, VllmXargs,
};
use guilloche::mark::cell::MarkKey;
use guilloche::mark::keys::{Keys, Recipient};
use guilloche::wire::chat::Chat;
use guilloche::wire::json::splice;
use guilloche::wire::{Protocol, Target};

/// Pairs of the tokens 100 and 101, 102 and 103, and so on, the first of each favoured.
#[derive(Debug)]
pub(crate) struct Hundreds;

impl Entries for Hundreds {
    fn entries(&self, _: &MarkKey, delta: f64, most: usize) -> Vec<(u32, f64)> {
        let pairs = (0..200).take(most / 2);
        pairs.flat_map(|pair| [(100 + 2 * pair, delta), (101 + 2 * pair, -delta)]).collect()
    }
}

pub(crate) fn keys() -> Keys {
    Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH)
}

pub(crate) const ACCOUNT: MarkTerms<'static> = MarkTerms {
    recipient: Recipient { tenant: "", account: "acct-17", cluster: None, arm: None },
    epoch: 1,
    strength: 1.0,
};

/// The key of [`ACCOUNT`] for the marks of engines.
pub(crate) fn hex() -> String {
    keys().engine_key(1, ACCOUNT.recipient).hex().to_string()
}

pub(crate) fn setting(carrier: Carrier) -> CarrierSetting {
    match carrier {
        Carrier::Sglang => {
            CarrierSetting::Sglang(Sglang { context_window: NonZeroU8::new(2).unwrap() })
        }
        Carrier::Vllm => CarrierSetting::Vllm,
        Carrier::VllmXargs => CarrierSetting::VllmXargs(VllmXargs::default()),
        Carrier::LogitBias => CarrierSetting::LogitBias(LogitBias {
            pairs: Arc::new(Hundreds),
            entries: 6,
            delta: 1.5,
        }),
        Carrier::Lexical => CarrierSetting::Lexical,
    }
}

pub(crate) fn carriers(order: &[Carrier]) -> Carriers {
    Carriers::new(order.iter().copied().map(setting).collect())
}

/// What is chosen for a request, and the request that the upstream gets.
pub(crate) fn chosen(
    carriers: &Carriers,
    marked: MarkTerms<'_>,
    protocol: &dyn Protocol,
    body: &str,
    closed: &[usize],
) -> (Choice, String) {
    let request =
        protocol.scan_request(Target::default(), body.as_bytes()).expect("the body is an object");
    let choice = carriers.choose(&keys(), marked, &request, closed);
    let mut removed = choice.removed.clone();
    removed.extend(closed);
    let mut edits = choice.edits.clone();
    edits.extend(request.removals(&removed));
    let out = splice(body.as_bytes(), &mut edits);
    (choice, String::from_utf8(out).unwrap())
}

/// What a chat request of [`ACCOUNT`] becomes with these carriers.
pub(crate) fn chat(order: &[Carrier], body: &str) -> (Option<Carrier>, String) {
    let (choice, out) = chosen(&carriers(order), ACCOUNT, &Chat, body, &[]);
    (choice.carrier, out)
}
