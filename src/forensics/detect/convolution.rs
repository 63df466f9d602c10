//! Circular correlation of two sequences of 65,536 counts, exactly, by a number-theoretic
//! transform: what a table of that size scores under every shift, in milliseconds.

/// A prime of the form `k · 2²³ + 1`; results below it are exact.
const PRIME: u64 = 998_244_353;
/// Generates the multiplicative group.
const GENERATOR: u64 = 3;

/// For every shift `k`, the sum over `h` of `counts[h] · table[(h + k) mod n]`. Both have the same
/// length, a power of two up to 2²³, and the sums are below 998,244,353.
pub(super) fn correlations(counts: &[u32], table: &[u32]) -> Vec<u32> {
    let length = counts.len();
    let mut left: Vec<u64> = counts.iter().map(|count| u64::from(*count)).collect();
    // Reversing around 0 turns the convolution into a correlation.
    if let Some((_, behind)) = left.split_first_mut() {
        behind.reverse();
    }
    let mut right: Vec<u64> = table.iter().map(|entry| u64::from(*entry)).collect();
    transform(&mut left, GENERATOR);
    transform(&mut right, GENERATOR);
    for (left, right) in left.iter_mut().zip(&right) {
        *left = *left * right % PRIME;
    }
    transform(&mut left, power(GENERATOR, PRIME - 2));
    let scale = power(length as u64, PRIME - 2);
    left.iter().map(|sum| u32::try_from(sum * scale % PRIME).unwrap_or(0)).collect()
}

/// Decimation in frequency for a length that is a power of two, then the bits of the indexes
/// reversed.
fn transform(values: &mut [u64], generator: u64) {
    let length = values.len();
    let mut half = length / 2;
    while half > 0 {
        let root = power(generator, (PRIME - 1) / (2 * half as u64));
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            let mut factor = 1;
            for (low, high) in low.iter_mut().zip(high) {
                let (sum, difference) = (*low + *high, *low + PRIME - *high);
                *low = sum % PRIME;
                *high = difference * factor % PRIME;
                factor = factor * root % PRIME;
            }
        }
        half /= 2;
    }
    let bits = length.trailing_zeros();
    if bits > 0 {
        for place in 0..length {
            let mirrored = place.reverse_bits() >> (usize::BITS - bits);
            if place < mirrored {
                values.swap(place, mirrored);
            }
        }
    }
}

fn power(base: u64, mut exponent: u64) -> u64 {
    let (mut base, mut result) = (base % PRIME, 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % PRIME;
        }
        base = base * base % PRIME;
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_correlation_is_the_sum_over_every_shift() {
        for length in [1_usize, 2, 64, 256] {
            let counts: Vec<u32> = (0..length as u32).map(|n| n * n * 7 % 41).collect();
            let table: Vec<u32> = (0..length as u32).map(|n| n * 13 % 5).collect();
            let direct: Vec<u32> = (0..length)
                .map(|shift| (0..length).map(|at| counts[at] * table[(at + shift) % length]).sum())
                .collect();
            assert_eq!(correlations(&counts, &table), direct);
        }
    }
}
