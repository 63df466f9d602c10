//! Who speaks at the start of a line, in bold or with a direction, a letter or a number behind the name.

use std::cmp::Ordering;

use super::label::{bare, before_colon, is_letters, is_number};

/// Who speaks by what they are, and what an agent tells, in small letters and in order.
const ROLES: [&str; 82] = [
    "action",
    "actor",
    "agent",
    "ai",
    "attorney",
    "barista",
    "boss",
    "bot",
    "caller",
    "candidate",
    "cashier",
    "character",
    "clerk",
    "client",
    "coach",
    "colleague",
    "counselor",
    "coworker",
    "customer",
    "dad",
    "detective",
    "doctor",
    "driver",
    "employee",
    "father",
    "friend",
    "glaucon",
    "gm",
    "grandma",
    "grandpa",
    "guest",
    "host",
    "interviewee",
    "interviewer",
    "judge",
    "lawyer",
    "librarian",
    "manager",
    "me",
    "mentor",
    "moderator",
    "mom",
    "mother",
    "mum",
    "narrator",
    "neighbor",
    "nurse",
    "observation",
    "officer",
    "operator",
    "parent",
    "passenger",
    "patient",
    "person",
    "pharmacist",
    "pilot",
    "player",
    "professor",
    "receptionist",
    "recruiter",
    "rep",
    "reporter",
    "representative",
    "salesperson",
    "socrates",
    "speaker",
    "student",
    "supervisor",
    "system",
    "teacher",
    "technician",
    "them",
    "therapist",
    "tutor",
    "user",
    "vo",
    "voice",
    "voiceover",
    "waiter",
    "waitress",
    "witness",
    "you",
];

/// First names that examples mostly have, of those that mean nothing else, in small letters and in order.
const NAMES: [&str; 142] = [
    "alex",
    "alice",
    "amelia",
    "amir",
    "amy",
    "andrew",
    "anna",
    "anne",
    "aria",
    "ava",
    "ben",
    "benjamin",
    "beth",
    "bob",
    "brian",
    "carla",
    "carlos",
    "caroline",
    "charlie",
    "charlotte",
    "chloe",
    "chris",
    "claire",
    "clara",
    "daniel",
    "dave",
    "david",
    "diana",
    "diego",
    "eleanor",
    "elena",
    "eli",
    "elias",
    "elijah",
    "eliza",
    "ella",
    "emily",
    "emma",
    "eric",
    "ethan",
    "eva",
    "evelyn",
    "finn",
    "frank",
    "george",
    "hannah",
    "harper",
    "harry",
    "helen",
    "henry",
    "ian",
    "isabella",
    "jack",
    "jake",
    "james",
    "jamie",
    "jane",
    "jasmine",
    "jason",
    "jen",
    "jenna",
    "jennifer",
    "jess",
    "jessica",
    "jim",
    "joe",
    "john",
    "jordan",
    "julia",
    "kai",
    "karen",
    "kate",
    "katie",
    "kevin",
    "laura",
    "lena",
    "leo",
    "liam",
    "lila",
    "lily",
    "linda",
    "lisa",
    "lucas",
    "lucy",
    "luis",
    "luke",
    "luna",
    "marcus",
    "margaret",
    "maria",
    "martha",
    "mary",
    "matt",
    "maya",
    "megan",
    "mei",
    "mia",
    "michael",
    "michelle",
    "mike",
    "mira",
    "mohammed",
    "nadia",
    "natalie",
    "nate",
    "nick",
    "nina",
    "noah",
    "nora",
    "oliver",
    "olivia",
    "omar",
    "oscar",
    "paul",
    "peter",
    "priya",
    "rachel",
    "raj",
    "rebecca",
    "rita",
    "robert",
    "rosa",
    "ryan",
    "sam",
    "samantha",
    "sara",
    "sarah",
    "sofia",
    "sophia",
    "sophie",
    "steve",
    "susan",
    "theo",
    "thomas",
    "tim",
    "tom",
    "tyler",
    "victor",
    "william",
    "yuki",
    "zara",
    "zoe",
];

/// What stands before a name, in order.
const TITLES: [&str; 16] = [
    "Aunt",
    "Captain",
    "Detective",
    "Dr.",
    "King",
    "Lady",
    "Lord",
    "Mr.",
    "Mrs.",
    "Ms.",
    "Officer",
    "Prof.",
    "Professor",
    "Queen",
    "Sir",
    "Uncle",
];

/// Whether a token is a speaker and a colon: `**Maya:**`, `*Teacher*:`.
pub(super) fn is_alone(token: &str) -> bool {
    before_colon(bare(token)).is_some_and(|name| is_among(&ROLES, name) || is_among(&NAMES, name))
}

/// Whether two tokens are: `**Dr. Lee:**`, `**Ann Smith**:`, `Person A:`, `**Maya** (softly):`, `🤖 Bot:`.
pub(super) fn is_with_more(first: &str, second: &str) -> bool {
    if !first.starts_with(|first: char| first.is_ascii_alphabetic() || first == '*') {
        let symbol = !first.is_ascii() && !first.contains(char::is_alphanumeric);
        return symbol && is_alone(second);
    }
    let name = bare(first);
    if bare(second).starts_with('(') {
        let direction = second.ends_with("):") && is_capitals(name);
        return direction || name.len() < first.len() && is_among(&NAMES, name);
    }
    let Some(last) = before_colon(bare(second)) else { return false };
    let capital = last.starts_with(|first: char| first.is_uppercase());
    is_number(last) && is_among(&ROLES, name)
        || capital && (TITLES.binary_search(&name).is_ok() || is_among(&NAMES, name))
}

fn is_capitals(name: &str) -> bool {
    name.len() > 2 && is_letters(name) && !name.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// Whether a word that begins with a capital is one of those in small letters.
fn is_among(words: &[&str], word: &str) -> bool {
    let lower = || word.bytes().map(|byte| byte.to_ascii_lowercase());
    let compare = |known: &&str| -> Ordering { known.bytes().cmp(lower()) };
    word.starts_with(|first: char| first.is_ascii_uppercase())
        && words.binary_search_by(compare).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_in_order() {
        assert!(ROLES.is_sorted() && NAMES.is_sorted() && TITLES.is_sorted());
    }
}
