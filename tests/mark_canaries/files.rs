//! Schemes and passages in key files, bucket files and counts.

use guilloche::forensics::detect::LawCounts;
use guilloche::mark::keys::{Keys, Scheme};
use guilloche::mark::law::CountingKey;
use jiff::{SignedDuration, Timestamp};

use super::texts::{counted, keys, texts};

/// Break it: forget the scheme in the file of the counting key, or write passages where there are none.
#[test]
fn counts_are_written_and_read_with_their_passages_and_those_of_the_law_as_before() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("mark-canaries");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    for scheme in [Scheme::Law, Scheme::Canaries] {
        let keys = keys(9).with_scheme(scheme);
        let file = folder.join(scheme.name());
        keys.create(&file).unwrap();
        assert_eq!(Keys::read(&file).unwrap().scheme(1), scheme);
        let counting = CountingKey::of_epoch(&keys, 1).unwrap();
        let bucket = folder.join(format!("{}.bucket", scheme.name()));
        counting.create(&bucket).unwrap();
        let again = CountingKey::read(&bucket).unwrap();
        assert_eq!(again.rules(), counting.rules());
        let counts = counted(&again, texts().iter());
        let written = serde_json::to_string(&counts).unwrap();
        let canaries = scheme == Scheme::Canaries;
        assert_eq!(written.contains("passages"), canaries);
        assert_eq!(counts.in_passages().is_empty(), !canaries);
        assert_eq!(serde_json::from_str::<LawCounts>(&written).unwrap(), counts);
        let mut twice = counts.clone();
        twice.merge(&counts).unwrap();
        let sum = |counts: &LawCounts| -> u32 {
            counts.in_passages().iter().map(|(_, _, _, [zeros, ones])| zeros + ones).sum()
        };
        assert_eq!(sum(&twice), 2 * sum(&counts));
    }
}

#[test]
fn a_new_epoch_has_canaries_where_the_one_before_has_them_or_they_are_asked_for() {
    let now = |hours| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
    let mut keys = Keys::from_master(&[1; 32], Timestamp::UNIX_EPOCH);
    assert_eq!(keys.rotate(now(1), SignedDuration::ZERO).unwrap().scheme, Scheme::Law);
    let asked = keys.rotate_to(Scheme::Canaries, now(2), SignedDuration::ZERO).unwrap();
    assert_eq!(asked.scheme, Scheme::Canaries);
    assert_eq!(keys.rotate(now(3), SignedDuration::ZERO).unwrap().scheme, Scheme::Canaries);
    assert_eq!((keys.scheme(1), keys.scheme(2)), (Scheme::Law, Scheme::Law));
}
