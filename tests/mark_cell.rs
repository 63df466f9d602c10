//! Cells, roles and bits: what embedding and detection share.

use guilloche::mark::cell::{
    Bits, Cell, ClassId, KeyName, MarkKey, Purpose, Role, Roles, normalize,
};

fn name(purpose: Purpose, role: Role, id: &str) -> KeyName<'_> {
    KeyName { purpose, tenant: "t", epoch: 1, role, id }
}

/// RFC 8439 §2.3.2 has a nonce; this is the stream of the all-zero key and nonce from block 0,
/// draft-agl-tls-chacha20poly1305-04 §7, test vector 1.
#[test]
fn the_key_stream_is_that_of_chacha20() {
    let mut stream = MarkKey::from_bytes([0; 32]).stream();
    let words: Vec<u8> = (0..4).flat_map(|_| stream.next_word().to_le_bytes()).collect();
    let expected = [
        0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90, 0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd,
        0x28,
    ];
    assert_eq!(words, expected);
}

// Break it: forget what has been read where words are passed over.
#[test]
fn a_word_of_the_key_stream_is_the_same_in_whatever_order_words_are_asked_for() {
    let key = MarkKey::from_bytes([5; 32]);
    let mut words = [0; 2_000];
    key.stream().fill(&mut words);
    let mut stream = key.stream();
    let mut number = 0;
    for step in [0, 1, 0, 2, 63, 64, 65, 1_999, 1, 200, 1_936, 7, 0, 0, 1_990].repeat(20) {
        number = (number + step) % words.len();
        assert_eq!(stream.word(number as u32), words[number], "word {number}");
        if step == 7 {
            number += 1;
            assert_eq!(stream.next_word(), words[number], "behind it");
            let mut some = [0; 3];
            stream.fill_from(90, &mut some);
            assert_eq!(some, words[90..93]);
        }
    }
}

#[test]
fn one_bit_and_all_bits_agree() {
    let key = MarkKey::derive(&[7; 32], &name(Purpose::Lexical, Role::Account, "a"));
    let bits = Bits::new(&key, 16 * 40);
    for class in 0..40 {
        for bucket in 0..16 {
            let cell = Cell::from_bucket(ClassId(class), bucket);
            assert_eq!(bits.get(cell), key.bit(cell));
            assert_eq!((cell.class(), cell.bucket()), (ClassId(class), bucket));
        }
    }
    assert!(!bits.get(Cell::from_bucket(ClassId(40), 0)));
}

#[test]
fn every_part_of_a_name_makes_another_key() {
    let base = name(Purpose::Lexical, Role::Account, "ab");
    let others = [
        KeyName { purpose: Purpose::Coin, ..base },
        KeyName { tenant: "ta", id: "b", ..base },
        KeyName { epoch: 2, ..base },
        KeyName { role: Role::Cluster, ..base },
        KeyName { id: "abc", ..base },
    ];
    let key = MarkKey::derive(&[7; 32], &base);
    for other in &others {
        assert_ne!(key.as_bytes(), MarkKey::derive(&[7; 32], other).as_bytes());
    }
    assert_ne!(key.as_bytes(), MarkKey::derive(&[8; 32], &base).as_bytes());
}

#[test]
fn roles_split_the_cells_forty_thirty_thirty() {
    let roles = Roles::new(&[3; 32], 100_000);
    let share = |role| {
        roles.as_slice().iter().filter(|of| **of == role).count() as f64
            / roles.as_slice().len() as f64
    };
    assert!((share(Role::Global) - 0.4).abs() < 0.01);
    assert!((share(Role::Cluster) - 0.3).abs() < 0.01);
    assert!((share(Role::Account) - 0.3).abs() < 0.01);
}

#[test]
fn a_word_is_normalized_whatever_its_case_and_apostrophe() {
    let mut out = String::new();
    normalize("Don’t ÉTÉ", &mut out);
    assert_eq!(out, "don't été");
}

#[test]
fn nothing_of_a_key_is_shown() {
    let key = MarkKey::from_bytes([0xab; 32]);
    let shown = format!("{key:?} {:?} {:?}", Bits::new(&key, 64), key.stream());
    assert_eq!(shown, "MarkKey { .. } Bits { .. } KeyStream { .. }");
}
