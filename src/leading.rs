//! How far a text begins with bytes of a kind. Most texts are of one kind for long, so that many bytes are looked at
//! in one step.

/// How many bytes at the start are so. `is` must have no branches (`&` instead of `&&`), so that `MANY` bytes are
/// looked at in one step.
#[inline]
pub(crate) fn leading<const MANY: usize>(bytes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let mut rest = bytes;
    while let Some((many, behind)) = rest.split_first_chunk::<MANY>() {
        if !many.iter().fold(true, |all, byte| all & is(*byte)) {
            break;
        }
        rest = behind;
    }
    bytes.len() - rest.len() + rest.iter().take_while(|byte| is(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// Break it: count none of those that stand before the first other in a chunk.
        #[test]
        fn it_is_what_is_counted_one_by_one(bytes in proptest::collection::vec(0..20_u8, 0..80)) {
            let is = |byte: u8| byte > 0;
            let counted = bytes.iter().take_while(|byte| is(**byte)).count();
            proptest::prop_assert_eq!(leading::<16>(&bytes, is), counted);
            proptest::prop_assert_eq!(leading::<32>(&bytes, is), counted);
        }
    }
}
