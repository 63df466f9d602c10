use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::policy::plan::Seal;
use crate::risk::AccountId;

fn holder() -> SealHolder {
    let keys = SealKeys::with_nonces(&Secret::new([1; 32]), &[], Secret::new([2; 32]));
    SealHolder::new(&Arc::new(keys), &Principal::of(AccountId::new("a").unwrap()))
}

// Break it: look at no clock.
#[test]
fn a_blob_opens_until_its_lifetime_is_over() {
    let settings = Seal { lifetime: Duration::from_secs(60), ..Seal::default() };
    let before = Timestamp::now().as_second();
    let blob =
        Sealer::new(holder(), &settings, Some("m"), None).seal("carrier", &[(0, b"x")], None);
    let after = Timestamp::now().as_second();
    let conversation = Opening::default().conversation();
    let opens = |second: i64| {
        let now = Timestamp::from_second(second).unwrap();
        let opener = Opener::at(holder(), Some("m".to_owned()), now);
        opener.open("carrier", blob.as_deref().unwrap(), conversation).is_some()
    };
    assert!(opens(before) && opens(before + 59));
    assert!(!opens(after + 60) && !opens(after + 1_000_000));
}

/// Two agents of one account, each with its own conversation: both open their own blobs, and each
/// other's unless they are bound.
#[test]
fn what_is_bound_to_a_conversation_opens_in_no_other() {
    let conversation = |text: &str| {
        let mut opening = Opening::default();
        opening.other(text);
        opening.end();
        opening.conversation()
    };
    let (one, other) = (conversation("Mend the roof."), conversation("Paint the door."));
    let bound = Sealer::new(holder(), &Seal::default(), Some("m"), Some(one));
    let free = Sealer::new(holder(), &Seal::default(), Some("m"), None);
    let opener = Opener::new(holder(), Some("m".to_owned()));
    for (sealer, opens) in [(bound, [true, false]), (free, [true, true])] {
        let blob = sealer.seal("carrier", &[(0, b"x")], None).unwrap();
        let opened = [one, other].map(|it| opener.open("carrier", &blob, it).is_some());
        assert_eq!(opened, opens);
    }
}

#[test]
fn nothing_opens_for_a_model_that_is_not_certain() {
    let blob =
        Sealer::new(holder(), &Seal::default(), Some(""), None).seal("c", &[(0, b"x")], None);
    let conversation = Opening::default().conversation();
    let opens = |model: Option<&str>| {
        let opener = Opener::new(holder(), model.map(str::to_owned));
        opener.open("c", blob.as_deref().unwrap(), conversation).is_some()
    };
    assert!(opens(Some("")) && !opens(None));
}
