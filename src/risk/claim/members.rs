//! The members of a risk field, read by type.
//!
//! What detectors write is read here, by a plain pass over its bytes: texts without escapes, numbers and byte
//! sequences, without parameters. Any other spelling that RFC 9651 allows, and whatever it does not, is left to `sfv`.

use std::borrow::Cow;
use std::convert::Infallible;

use jiff::Timestamp;
use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, Decimal, Integer, KeyRef, Parser, StringRef};

/// The members that the contract names, each as it stands last in the field (RFC 9651, section 4.2.2).
#[derive(Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(super) struct Members<'f> {
    pub(super) account: Option<Member<'f>>,
    pub(super) cluster: Option<Member<'f>>,
    pub(super) tenant: Option<Member<'f>>,
    pub(super) model: Option<Member<'f>>,
    pub(super) score: Option<Member<'f>>,
    pub(super) confidence: Option<Member<'f>>,
    pub(super) labels: Option<Member<'f>>,
    pub(super) issued: Option<Member<'f>>,
    pub(super) ttl: Option<Member<'f>>,
    pub(super) credential: Option<Member<'f>>,
}

#[cfg_attr(test, derive(Debug, PartialEq))]
pub(super) enum Member<'f> {
    Item(BareItemFromInput<'f>),
    List(Vec<BareItemFromInput<'f>>),
}

impl<'f> Members<'f> {
    /// `None` if it is no dictionary.
    pub(super) fn read(field: &'f str) -> Option<Self> {
        Self::read_plain(field).or_else(|| Self::read_any(field))
    }

    fn read_any(field: &'f str) -> Option<Self> {
        let mut members = Self::default();
        Parser::new(field).parse_dictionary_with_visitor(&mut members).ok()?;
        Some(members)
    }

    /// `None` also if `sfv` has to look at it.
    fn read_plain(field: &'f str) -> Option<Self> {
        let mut members = Self::default();
        let mut rest = field;
        loop {
            let (name, after) = rest.split_at_checked(leading(rest, is_of_key))?;
            if !name.as_bytes().first()?.is_ascii_lowercase() {
                return None;
            }
            let (item, after) = plain_item(behind(after, b'=')?)?;
            members.set(name, Member::Item(item));
            let after = without_space(after);
            if after.is_empty() {
                return Some(members);
            }
            rest = without_space(behind(after, b',')?);
        }
    }

    fn set(&mut self, name: &str, member: Member<'f>) {
        let place = match name {
            "account" => &mut self.account,
            "cluster" => &mut self.cluster,
            "tenant" => &mut self.tenant,
            "model" => &mut self.model,
            "score" => &mut self.score,
            "confidence" => &mut self.confidence,
            "labels" => &mut self.labels,
            "issued" => &mut self.issued,
            "ttl" => &mut self.ttl,
            "credential" => &mut self.credential,
            _ => return,
        };
        *place = Some(member);
    }
}

/// Whether a byte may stand in a key (RFC 9651, section 3.1.2).
fn is_of_key(byte: u8) -> bool {
    // Most bytes of most keys are letters.
    byte.is_ascii_lowercase() || matches!(byte, b'0'..=b'9' | b'_' | b'-' | b'.' | b'*')
}

/// How many bytes of a kind a text begins with. A loop, since what searches is not inlined.
#[inline]
fn leading(text: &str, is_of_kind: impl Fn(u8) -> bool) -> usize {
    let mut length = 0;
    for byte in text.bytes() {
        if !is_of_kind(byte) {
            break;
        }
        length += 1;
    }
    length
}

/// What stands behind this byte of ASCII, if it comes first. By the byte, as characters are looked at by dozens
/// of instructions each.
fn behind(text: &str, first: u8) -> Option<&str> {
    if *text.as_bytes().first()? == first { text.get(1..) } else { None }
}

/// The text without the space that it begins with.
fn without_space(text: &str) -> &str {
    let mut text = text;
    while let Some(after) = behind(text, b' ').or_else(|| behind(text, b'\t')) {
        text = after;
    }
    text
}

/// An item of one of the plain kinds, and what follows it.
fn plain_item(text: &str) -> Option<(BareItemFromInput<'_>, &str)> {
    match text.as_bytes().first()? {
        b'"' => {
            let inside = text.get(1..)?;
            let end = leading(inside, |byte| !matches!(byte, b'"' | b'\\'));
            let (content, after) = inside.split_at_checked(end)?;
            let content = StringRef::from_str(content).ok()?;
            Some((BareItemFromInput::String(Cow::Borrowed(content)), behind(after, b'"')?))
        }
        b'0'..=b'9' => plain_number(text),
        b':' => {
            let end = text.get(1..)?.find(':')? + 2;
            let (sequence, after) = text.split_at_checked(end)?;
            let mut read = None;
            Parser::new(sequence).parse_item_with_visitor(Taking(|item| read = Some(item))).ok()?;
            Some((read?, after))
        }
        _ => None,
    }
}

/// At most twelve digits, with up to three behind a point: fewer than would overflow or be refused.
fn plain_number(text: &str) -> Option<(BareItemFromInput<'_>, &str)> {
    let (whole, digits, after) = leading_digits(text);
    if digits > 12 {
        return None;
    }
    let Some(fraction) = behind(after, b'.') else {
        return Some((BareItemFromInput::Integer(Integer::try_from(whole).ok()?), after));
    };
    let (fraction, places, after) = leading_digits(fraction);
    let thousandths = fraction
        * match places {
            1 => 100,
            2 => 10,
            3 => 1,
            _ => return None,
        };
    let scaled = Integer::try_from(whole * 1000 + thousandths).ok()?;
    Some((BareItemFromInput::Decimal(Decimal::from_integer_scaled_1000(scaled)), after))
}

/// The number that a text begins with, how many digits that has, and what follows them. Of no use beyond eighteen.
fn leading_digits(text: &str) -> (i64, usize, &str) {
    let mut value: i64 = 0;
    let mut digits = 0;
    for byte in text.bytes().take_while(u8::is_ascii_digit) {
        value = value.wrapping_mul(10).wrapping_add(i64::from(byte - b'0'));
        digits += 1;
    }
    (value, digits, text.get(digits..).unwrap_or_default())
}

// Of what follows, outer `None`: the member is of another type. Inner `None`: there is none.

pub(super) fn item<'m, 'f>(
    member: &'m Option<Member<'f>>,
) -> Option<Option<&'m BareItemFromInput<'f>>> {
    match member {
        None => Some(None),
        Some(Member::Item(item)) => Some(Some(item)),
        Some(Member::List(_)) => None,
    }
}

pub(super) fn string<'m>(member: &'m Option<Member<'_>>) -> Option<Option<&'m str>> {
    match item(member)? {
        None => Some(None),
        Some(item) => item.as_string().map(|text| Some(text.as_str())),
    }
}

/// Decimals, and the integers 0 and 1, which many serializers write without a point.
pub(super) fn number(member: &Option<Member<'_>>) -> Option<Option<f64>> {
    match item(member)? {
        None => Some(None),
        Some(BareItemFromInput::Decimal(decimal)) => Some(Some(f64::from(*decimal))),
        Some(BareItemFromInput::Integer(integer)) => match i64::from(*integer) {
            0 => Some(Some(0.0)),
            1 => Some(Some(1.0)),
            _ => None,
        },
        Some(_) => None,
    }
}

pub(super) fn integer(member: &Option<Member<'_>>) -> Option<i64> {
    item(member)??.as_integer().map(i64::from)
}

pub(super) fn timestamp(member: &Option<Member<'_>>) -> Option<Timestamp> {
    let seconds = match item(member)?? {
        BareItemFromInput::Integer(seconds) => *seconds,
        BareItemFromInput::Date(date) => date.unix_seconds(),
        _ => return None,
    };
    Timestamp::from_second(i64::from(seconds)).ok()
}

pub(super) fn list<'m>(member: &'m Option<Member<'_>>) -> Option<Option<Vec<&'m str>>> {
    let list = match member {
        None => return Some(None),
        Some(Member::List(list)) => list,
        Some(Member::Item(_)) => return None,
    };
    let texts = list.iter().map(|item| match item {
        BareItemFromInput::String(text) => Some(text.as_str()),
        BareItemFromInput::Token(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Option<_>>().map(Some)
}

impl<'f> DictionaryVisitor<'f> for Members<'f> {
    type Error = Infallible;

    fn entry(&mut self, key: &'f KeyRef) -> Result<impl EntryVisitor<'f>, Infallible> {
        Ok(Entry { members: self, name: key.as_str() })
    }
}

/// Where a member goes.
struct Entry<'m, 'f> {
    members: &'m mut Members<'f>,
    name: &'f str,
}

impl<'f> ItemVisitor<'f> for Entry<'_, 'f> {
    type Error = Infallible;

    fn bare_item(
        self,
        item: BareItemFromInput<'f>,
    ) -> Result<impl ParameterVisitor<'f>, Infallible> {
        Taking(move |item| self.members.set(self.name, Member::Item(item))).bare_item(item)
    }
}

impl<'f> EntryVisitor<'f> for Entry<'_, 'f> {
    fn inner_list(self) -> Result<impl InnerListVisitor<'f>, Infallible> {
        Ok(List { entry: self, items: Vec::new() })
    }
}

struct List<'m, 'f> {
    entry: Entry<'m, 'f>,
    items: Vec<BareItemFromInput<'f>>,
}

impl<'f> InnerListVisitor<'f> for List<'_, 'f> {
    type Error = Infallible;

    fn item(&mut self) -> Result<impl ItemVisitor<'f>, Infallible> {
        let items = &mut self.items;
        Ok(Taking(move |item| items.push(item)))
    }

    fn finish(self) -> Result<impl ParameterVisitor<'f>, Infallible> {
        self.entry.members.set(self.entry.name, Member::List(self.items));
        Ok(Ignored)
    }
}

/// What becomes of an item, whose parameters say nothing.
struct Taking<F>(F);

impl<'f, F: FnOnce(BareItemFromInput<'f>)> ItemVisitor<'f> for Taking<F> {
    type Error = Infallible;

    fn bare_item(
        self,
        item: BareItemFromInput<'f>,
    ) -> Result<impl ParameterVisitor<'f>, Infallible> {
        (self.0)(item);
        Ok(Ignored)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_detectors_write_is_plain() {
        let field = "account=\"ada, b\", cluster=\"c-7\", score=0.875, confidence=1, issued=1763856000, \
                     ttl=300,\tcredential=:BwcHBw==:";
        let members = Members::read_plain(field);
        assert!(members.is_some());
        assert_eq!(members, Members::read_any(field));
    }

    proptest! {
        // Most fields have something that is left to `sfv` at once.
        #![proptest_config(ProptestConfig::with_cases(8_000))]

        /// The oracle is `sfv`. Break it: take a number of sixteen digits, or a text with an escape.
        #[test]
        fn what_is_plain_is_read_as_any_field_is(
            field in proptest::collection::vec(
                "(account|score|ttl|credential|x_1|\\*a|A)(=|=|=| = )\
                 (\"[a-c,= \\\\]{0,3}\"|[0-9]{1,17}|-?[0-9]{1,17}\\.[0-9]{0,4}|:[A-Ba=]{0,5}:|\\?1|a/b|\"é\"|)(;p)?",
                0..4,
            ),
            separator in "( |\t)?,( |\t|,)?",
            end in "(|| |\t|,)",
        ) {
            let field = field.join(&separator) + &end;
            if let Some(members) = Members::read_plain(&field) {
                prop_assert_eq!(Some(members), Members::read_any(&field));
            }
        }
    }
}
