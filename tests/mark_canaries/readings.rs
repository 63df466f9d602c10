//! The deployment's test, which reads a text by usual uniforms alone and as it would have been sent.

use guilloche::forensics::evidence::{LawScore, LawWeights, SentWeights, Strengths};
use guilloche::mark::cell::{Cell, Role};
use guilloche::mark::keys::Scheme;
use guilloche::mark::law::{Canaries, CountingKey, is_canary};

use super::texts::{counted, key, keys, marking, rewritten, roles, texts};

/// What both readings of the prose say, marked by a scheme under a key.
fn read(number: u8, scheme: Scheme) -> [LawScore; 2] {
    let (keys, none) = (keys(number), Strengths::new([]));
    let counting = CountingKey::of_epoch(&keys, 1).unwrap();
    let (roles, canaries) = (roles(&keys), Canaries::derive(keys.master(), "", 1));
    let marking = marking(keys.clone().with_scheme(scheme));
    let marked: Vec<String> = texts().iter().map(|text| rewritten(&marking, [&**text])).collect();
    let counts = counted(&counting, marked.iter());
    let in_canaries = |cell: usize| is_canary(&roles, Cell::from_number(cell as u32));
    let global = key(&keys, Role::Global, "");
    let usual = LawWeights::new(&counts, &none).only(in_canaries).score(&global);
    let sent = SentWeights::new(&counts, &none, &canaries, &roles).only(in_canaries);
    [usual, sent.score(&global)]
}

/// Break it: read active passages by the usual uniform, or all passages by the canary's.
#[test]
fn a_copy_is_read_as_it_was_sent_and_text_that_follows_every_cell_by_its_usual_uniform() {
    let sum = |scheme| {
        let mut sums = [0.0; 3];
        for number in 1..9 {
            let [usual, sent] = read(number, scheme);
            let either = usual.ln_p_of_either(&sent);
            for (sum, ln_p) in sums.iter_mut().zip([usual.ln_p(), sent.ln_p(), either]) {
                *sum += ln_p;
            }
        }
        sums
    };
    let [usual, sent, either] = sum(Scheme::Canaries);
    assert!(sent < usual * 1.15 && either < usual, "{usual} {sent} {either}");
    let [usual, sent, _] = sum(Scheme::Law);
    assert!(usual < sent * 1.15, "{usual} {sent}");
}

#[test]
fn p_of_both_readings_is_twice_the_lesser_and_at_most_one() {
    let [usual, sent] = read(1, Scheme::Canaries);
    let lesser = usual.ln_p().min(sent.ln_p());
    assert!(lesser < -1.0 && (usual.ln_p_of_either(&sent) - lesser - 2.0_f64.ln()).abs() < 1e-12);
    assert_eq!(LawScore::default().ln_p_of_either(&LawScore::default()), 0.0);
}
