//! No text opens that nobody has sealed: neither what looks like a blob, nor one that was altered, whatever is
//! kept of it. What was sealed opens as it was.
#![no_main]

use std::sync::{Arc, LazyLock};

use guilloche::countermeasure::seal::{Opener, Opening, PREFIX, SealHolder, SealKeys, Sealer};
use guilloche::policy::plan::Seal;
use guilloche::risk::{AccountId, Principal};
use guilloche::secret::Secret;
use libfuzzer_sys::fuzz_target;

const CARRIER: &str = "signature";

static ENDS: LazyLock<(Sealer, Opener)> = LazyLock::new(|| {
    let keys = Arc::new(SealKeys::with_nonces(&Secret::new([1; 32]), &[], Secret::new([2; 32])));
    let holder = SealHolder::new(&keys, &Principal::of(AccountId::new("a").unwrap()));
    let settings = Seal::default();
    let sealer = Sealer::new(holder.clone(), &settings, Some("m"), None);
    (sealer, Opener::new(holder, Some("m".to_owned())))
});

fuzz_target!(|data: &[u8]| {
    let (sealer, opener) = &*ENDS;
    let conversation = Opening::default().conversation();
    let text = String::from_utf8_lossy(data);
    for text in [text.to_string(), format!("{PREFIX}{text}")] {
        assert!(opener.open(CARRIER, &text, conversation).is_none());
    }
    let Some(([at, with], contents)) = data.split_first_chunk() else { return };
    let Some(blob) = sealer.seal(CARRIER, &[(0, contents)], Some(contents)) else { return };
    let opened = opener.open(CARRIER, &blob, conversation).expect("it was sealed");
    assert_eq!(opened.texts, [(0, contents.to_vec())]);
    assert_eq!(opened.value.as_deref(), Some(contents));
    let mut altered = blob.clone().into_bytes();
    let place = usize::from(*at) * altered.len() / 256;
    altered[place] ^= with | 1;
    let Ok(altered) = String::from_utf8(altered) else { return };
    // The last letter of base64 may have bits that say nothing.
    if let Some(opened) = opener.open(CARRIER, &altered, conversation) {
        assert_eq!(place, altered.len() - 1);
        assert_eq!(opened.texts, [(0, contents.to_vec())]);
    }
    assert!(opener.open(CARRIER, blob.get(..place).unwrap_or_default(), conversation).is_none());
});
