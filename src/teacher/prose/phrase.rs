//! Parts of sentences about one step of a chain.

use crate::teacher::problem::{Noun, Number, Reason, Step};
use crate::teacher::wording::Wording;

/// The first letter in upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}

/// A number without its noun, money and percentages with their sign.
pub(crate) fn bare(value: Number, noun: &Noun) -> String {
    if noun.symbol().is_some() || noun.head == "%" { noun.amount(value) } else { value.to_string() }
}

fn result(step: &Step) -> String {
    bare(step.value.0, &step.value.1)
}

/// `12 + 5 = 17`, in the notation prose uses.
pub(crate) fn equation(step: &Step) -> String {
    let (left, right) = (bare(step.left.0, &step.left.1), bare(step.right.0, &step.right.1));
    let result = result(step);
    match step.sign {
        '*' if step.reason == Reason::Part && step.right.1.head == "%" => {
            format!("{right} of {left} = {result}")
        }
        '*' => format!("{left} × {right} = {result}"),
        '/' => format!("{left} ÷ {right} = {result}"),
        'f' => format!("{left} ÷ {right} = {result}, rounded down"),
        'c' => format!("{left} ÷ {right} = {result}, rounded up"),
        'r' => format!("{left} mod {right} = {result}"),
        sign => format!("{left} {sign} {right} = {result}"),
    }
}

/// The inverse of a step, to check it with; `None` where there is none worth writing.
pub(crate) fn inverse(step: &Step) -> Option<String> {
    let (left, right) = (bare(step.left.0, &step.left.1), bare(step.right.0, &step.right.1));
    let result = result(step);
    match (step.sign, step.reason) {
        ('+', _) => Some(format!("{result} - {right} = {left}")),
        ('-', _) => Some(format!("{result} + {right} = {left}")),
        ('/', Reason::Convert | Reason::Calculate) | ('*', Reason::Part) => None,
        ('*', _) => Some(format!("{result} ÷ {right} = {left}")),
        ('/', _) => Some(format!("{result} × {right} = {left}")),
        _ => None,
    }
}

fn have(who: &str) -> &'static str {
    if who == "you" { "have" } else { "has" }
}

/// Why a step is done, as a clause without a final stop.
pub(crate) fn purpose(step: &Step, wording: &mut Wording) -> String {
    let left = step.left.1.amount(step.left.0);
    let right = step.right.1.amount(step.right.0);
    let things = step.value.1.named(false);
    let total = if step.value.1.symbol().is_some() { "money".to_owned() } else { things.clone() };
    let times = bare(step.right.0, &step.right.1);
    match step.reason {
        Reason::Gain => match wording.below(4) {
            0 => format!("{right} {} added to {left}", be(&step.right)),
            1 => format!("{left} {} by {right}", wording.pick(&["grows", "increases", "goes up"]))
                .replace("grows", grow(&step.left, "grows", "grow"))
                .replace("increases", grow(&step.left, "increases", "increase"))
                .replace("goes up", grow(&step.left, "goes up", "go up")),
            2 if !step.right.0.is_one() => {
                format!("another {right} {} in on top of {left}", come(&step.right))
            }
            _ => format!(
                "we {} {right} to {left}",
                wording.pick(&["add", "need to add", "have to add"])
            ),
        },
        Reason::Loss => match wording.below(4) {
            0 => format!("{right} {} taken away from {left}", be(&step.right)),
            1 => format!(
                "we {} {right} from {left}",
                wording.pick(&["subtract", "take", "need to subtract", "have to take"])
            ),
            2 => format!("{right} {} out of {left}", wording.pick(&["must come", "has to come"]))
                .replace("has to come", grow(&step.right, "has to come", "have to come")),
            _ => format!("{left} {} by {right}", grow(&step.left, "drops", "drop")),
        },
        Reason::Groups => match wording.below(3) {
            0 => format!("there {} {left} with {right} for each", be(&step.left)),
            1 => format!(
                "each of the {left} {} {right}",
                wording.pick(&["accounts for", "stands for", "brings"])
            ),
            _ => format!(
                "{left} at {right} each {} multiplication",
                wording.pick(&["means a", "calls for a", "requires a"])
            ),
        },
        Reason::Price => match wording.below(3) {
            0 => {
                format!("{left} at {right} each {} to be paid for", grow(&step.left, "has", "have"))
            }
            1 => format!(
                "each {} costs {right}, and there {} {left}",
                step.left.1.named(true),
                be(&step.left)
            ),
            _ => format!("the price of {left} is {right} per {}", step.left.1.named(true)),
        },
        Reason::Scale | Reason::Multiple => {
            let halved = Number::ratio(1, 2) == Some(step.right.0);
            match (halved, step.right.0 < Number::whole(1), wording.below(2)) {
                (true, _, 0) => format!(
                    "we {} half of {left}",
                    wording.pick(&["need", "want", "are looking for"])
                ),
                (true, _, _) => format!("{left} {} halved", be(&step.left)),
                (false, true, _) => {
                    let work = wording.pick(&["need", "want", "take"]);
                    format!("we {work} {} of {left}", portion(step.right.0))
                }
                (false, false, 0) => format!("{left} {} multiplied by {times}", be(&step.left)),
                (false, false, _) => {
                    format!(
                        "we {} {times} times {left}",
                        wording.pick(&["need", "want", "are looking for"])
                    )
                }
            }
        }
        Reason::Compare => {
            let (more, relation) =
                if step.sign == '-' { ("fewer", "below") } else { ("more", "above") };
            let more = if step.right.1.symbol().is_some() || step.right.1.head.is_empty() {
                if more == "fewer" { "less" } else { more }
            } else {
                more
            };
            match (wording.below(2), &step.who) {
                (0, Some(who)) => format!("{who} {} {right} {more} than {left}", have(who))
                    .replace(
                        &format!("{right} {more}"),
                        &format!("{} {more}", bare(step.right.0, &step.right.1)),
                    ),
                _ => format!("the amount is {right} {relation} {left}"),
            }
        }
        Reason::Split => {
            let right = if step.right.1.symbol().is_some() { times } else { right };
            match wording.below(3) {
                0 => format!(
                    "{left} {} split into {} equal parts",
                    be(&step.left),
                    bare(step.right.0, &step.right.1)
                ),
                1 => format!("{left} {} shared equally over {right}", be(&step.left)),
                _ => format!(
                    "an equal share of {left} for {right} {} a division",
                    wording.pick(&["means", "requires", "calls for"])
                ),
            }
        }
        Reason::Leftover => format!(
            "equal parts of {left} over {right} {} a remainder",
            wording.pick(&["leave", "may leave", "produce"])
        ),
        Reason::Fit => format!(
            "we {} how often {right} {} into {left}",
            wording.pick(&["need to see", "want to know", "must work out"]),
            grow(&step.right, "fits", "fit")
        ),
        Reason::Part => {
            let times = if step.right.1.head == "%" { right } else { times };
            let times = if step.right.1.head.is_empty() { portion(step.right.0) } else { times };
            let work = wording.pick(&[
                "need",
                "have to find",
                "calculate",
                "work out",
                "should determine",
            ]);
            format!("we {work} {times} of {left}")
        }
        Reason::Convert => {
            format!("{left} {} to be expressed in {things}", grow(&step.left, "has", "have"))
        }
        Reason::Total => match wording.below(3) {
            0 => {
                format!("{left} and {right} {} together", wording.pick(&["belong", "go", "count"]))
            }
            1 => format!("the total {total} is {left} plus {right}")
                .replace("total money", "total")
                .replace(&format!("total {things}"), &format!("total number of {things}")),
            _ => format!(
                "we {} {left} and {right}",
                wording.pick(&["combine", "add up", "put together"])
            ),
        },
        Reason::Difference => {
            format!("we compare {left} {} {right}", wording.pick(&["with", "against", "to"]))
        }
        Reason::Change => match wording.below(2) {
            0 => format!("{right} {} off {left}", grow(&step.right, "comes", "come")),
            _ => format!("out of {left}, {right} {} already spoken for", be(&step.right)),
        },
        Reason::Calculate => format!(
            "the next operation {} {left} and {right}",
            wording.pick(&["involves", "uses", "takes"])
        ),
    }
}

/// Whether the amount takes a singular verb: money and measures taken as one sum, or exactly one.
fn is_singular(amount: &(Number, Noun)) -> bool {
    amount.1.symbol().is_some()
        || amount.1.head.is_empty()
        || amount.1.head == "%"
        || amount.0.is_one()
}

fn be(amount: &(Number, Noun)) -> &'static str {
    if is_singular(amount) { "is" } else { "are" }
}

fn come(amount: &(Number, Noun)) -> &'static str {
    if is_singular(amount) { "comes" } else { "come" }
}

fn grow(amount: &(Number, Noun), one: &'static str, many: &'static str) -> &'static str {
    if is_singular(amount) { one } else { many }
}

/// A share in words, where there are usual ones.
fn portion(share: Number) -> String {
    const NAMED: &[(i128, i128, &str)] = &[
        (1, 2, "half"),
        (1, 3, "a third"),
        (2, 3, "two thirds"),
        (1, 4, "a quarter"),
        (3, 4, "three quarters"),
        (1, 5, "a fifth"),
    ];
    let named = NAMED.iter().find(|(above, below, _)| Number::ratio(*above, *below) == Some(share));
    named.map_or_else(|| share.to_string(), |(_, _, words)| (*words).to_owned())
}
