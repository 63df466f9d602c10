//! All choices of some units, or random ones.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

/// The next choice of as many members, in the order of dictionaries; false after the last.
pub(super) fn next_choice(chosen: &mut [bool]) -> bool {
    // The last member that has a free place behind it moves there, and all behind it close up.
    let Some(place) = chosen.windows(2).rposition(|pair| pair == [true, false]) else {
        return false;
    };
    chosen.swap(place, place + 1);
    if let Some(behind) = chosen.get_mut(place + 2..) {
        let members = behind.iter().filter(|member| **member).count();
        for (position, member) in behind.iter_mut().enumerate() {
            *member = position < members;
        }
    }
    true
}

/// Uniform below `bound`: the high half of a product of a 64-bit word, with rejection (Lemire 2019).
pub(super) fn below(bound: u64, source: &mut ChaCha20Rng) -> u64 {
    let reject = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(source.next_u64()) * u128::from(bound);
        if product as u64 >= reject {
            return (product >> 64) as u64;
        }
    }
}

/// Number of ways to choose `k` of `n`, unless it is too large to matter.
pub(super) fn combinations(n: u64, k: u64) -> Option<u64> {
    let mut ways = 1_u64;
    for chosen in 1..=k.min(n - k) {
        ways = ways.checked_mul(n - chosen + 1)? / chosen;
    }
    Some(ways)
}
