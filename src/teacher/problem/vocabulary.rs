//! The English the teacher knows: verbs by what they do to a quantity, nouns and their plurals, units.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::number::Number;

/// What a verb does to the quantity it is said of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// There is this much.
    Have,
    /// More comes in.
    Gain,
    /// Bought: more comes in and money goes out.
    Buy,
    /// Some goes out.
    Lose,
    /// Sold: some goes out and money comes in.
    Sell,
    /// Money goes out.
    Spend,
    /// Handed over at the till.
    Pay,
    /// Multiplied by the factor of [`factor`].
    Scale,
    /// Split into equal parts.
    Share,
    /// Has a price.
    Cost,
    /// Grows by an amount or a percentage.
    Increase,
    /// Shrinks by an amount or a percentage.
    Decrease,
    /// Happens at a rate or for a time: no change of a holding by itself.
    Do,
}

/// First form is the base form, second the third person, the rest are past and participles.
const VERBS: &[(Effect, &[&str])] = &[
    (
        Effect::Have,
        &[
            "have has had having",
            "be is are was were being been",
            "own owns owned owning",
            "hold holds held holding",
            "contain contains contained containing",
            "start starts started starting",
            "begin begins began beginning begun",
            "carry carries carried carrying",
            "keep keeps kept keeping",
            "include includes included including",
            "weigh weighs weighed weighing",
            "last lasts lasted lasting",
            "measure measures measured measuring",
            "seat seats seated seating",
        ],
    ),
    (
        Effect::Buy,
        &[
            "buy buys bought buying",
            "purchase purchases purchased purchasing",
            "order orders ordered ordering",
        ],
    ),
    (
        Effect::Gain,
        &[
            "get gets got getting gotten",
            "find finds found finding",
            "receive receives received receiving",
            "collect collects collected collecting",
            "pick picks picked picking",
            "add adds added adding",
            "bake bakes baked baking",
            "make makes made making",
            "earn earns earned earning",
            "win wins won winning",
            "gain gains gained gaining",
            "gather gathers gathered gathering",
            "harvest harvests harvested harvesting",
            "catch catches caught catching",
            "join joins joined joining",
            "arrive arrives arrived arriving",
            "board boards boarded boarding",
            "save saves saved saving",
            "borrow borrows borrowed borrowing",
            "plant plants planted planting",
            "read reads reading",
            "write writes wrote writing written",
            "produce produces produced producing",
            "score scores scored scoring",
            "draw draws drew drawing drawn",
            "deliver delivers delivered delivering",
            "print prints printed printing",
            "build builds built building",
            "knit knits knitted knitting",
            "lay lays laid laying",
            "take takes took taking taken",
            "come comes came coming",
            "enter enters entered entering",
            "prepare prepares prepared preparing",
            "pour pours poured pouring",
            "assemble assembles assembled assembling",
        ],
    ),
    (
        Effect::Lose,
        &[
            "give gives gave giving given",
            "lose loses lost losing",
            "eat eats ate eating eaten",
            "use uses used using",
            "donate donates donated donating",
            "drop drops dropped dropping",
            "break breaks broke breaking broken",
            "throw throws threw throwing thrown",
            "remove removes removed removing",
            "leave leaves left leaving",
            "send sends sent sending",
            "lend lends lent lending",
            "return returns returned returning",
            "drink drinks drank drinking drunk",
            "pop pops popped popping",
            "fly flies flew flying flown",
            "die dies died dying",
            "hand hands handed handing",
            "discard discards discarded discarding",
            "cut cuts cutting",
            "burn burns burned burnt burning",
            "swim swims swam swimming",
            "wilt wilts wilted wilting",
            "rot rots rotted rotting",
            "melt melts melted melting",
            "consume consumes consumed consuming",
            "exit exits exited exiting",
            "trade trades traded trading",
            "ship ships shipped shipping",
        ],
    ),
    (Effect::Sell, &["sell sells sold selling"]),
    (Effect::Spend, &["spend spends spent spending"]),
    (Effect::Pay, &["pay pays paid paying", "tender tenders tendered tendering"]),
    (
        Effect::Scale,
        &[
            "double doubles doubled doubling",
            "triple triples tripled tripling",
            "quadruple quadruples quadrupled quadrupling",
            "halve halves halved halving",
        ],
    ),
    (
        Effect::Share,
        &[
            "share shares shared sharing",
            "split splits splitting",
            "divide divides divided dividing",
            "distribute distributes distributed distributing",
            "pack packs packed packing",
            "arrange arranges arranged arranging",
            "put puts putting",
            "place places placed placing",
            "group groups grouped grouping",
            "sort sorts sorted sorting",
        ],
    ),
    (Effect::Cost, &["cost costs costing", "charge charges charged charging"]),
    (
        Effect::Increase,
        &[
            "increase increases increased increasing",
            "rise rises rose rising risen",
            "grow grows grew growing grown",
        ],
    ),
    (
        Effect::Decrease,
        &[
            "decrease decreases decreased decreasing",
            "fall falls fell falling fallen",
            "reduce reduces reduced reducing",
            "shrink shrinks shrank shrinking shrunk",
        ],
    ),
    (
        Effect::Do,
        &[
            "travel travels travelled traveled travelling traveling",
            "drive drives drove driving driven",
            "walk walks walked walking",
            "run runs ran running",
            "cycle cycles cycled cycling",
            "ride rides rode riding ridden",
            "work works worked working",
            "fill fills filled filling",
            "need needs needed needing",
            "want wants wanted wanting",
            "do does did doing",
            "go goes went going gone",
            "type types typed typing",
            "jog jogs jogged jogging",
            "practise practises practised practising",
            "practice practices practiced practicing",
            "study studies studied studying",
            "rent rents rented renting",
            "remain remains remained remaining",
            "can could should might must",
            "wear wears wore wearing worn",
            "like likes liked liking",
            "play plays played playing",
            "live lives lived living",
            "speak speaks spoke speaking spoken",
            "finish finishes finished finishing",
            "will would",
        ],
    ),
];

/// A verb: its effect, base form and third-person form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verb {
    pub(crate) effect: Effect,
    pub(crate) base: &'static str,
    pub(crate) third: &'static str,
}

/// Looks a word form up among the known verbs.
pub(crate) fn verb(word: &str) -> Option<Verb> {
    static FORMS: OnceLock<HashMap<&'static str, Verb>> = OnceLock::new();
    let forms = FORMS.get_or_init(|| {
        let mut forms = HashMap::new();
        for (effect, verbs) in VERBS {
            for line in *verbs {
                let mut words = line.split(' ');
                let base = words.next().unwrap_or_default();
                let third = words.next().unwrap_or(base);
                for form in line.split(' ') {
                    forms.insert(form, Verb { effect: *effect, base, third });
                }
            }
        }
        forms
    });
    forms.get(word).copied()
}

/// The factor of a scaling verb.
pub(crate) fn factor(base: &str) -> Option<Number> {
    match base {
        "double" => Some(Number::whole(2)),
        "triple" => Some(Number::whole(3)),
        "quadruple" => Some(Number::whole(4)),
        "halve" => Number::ratio(1, 2),
        _ => None,
    }
}

const ADJECTIVES: &str = " red blue green yellow orange white black brown pink purple silver gold small large big tiny huge little \
 long short tall new old fresh ripe rotten used adult child student regular special chocolate vanilla strawberry wooden plastic glass \
 toy sticker baseball football tennis trading postage picture comic story sugar oat ginger empty full equal identical whole bus train \
 cinema movie concert museum colouring coloring coloured colored spare loose broken plain striped sweet hot cold square round paper ";

const FUNCTION_WORDS: &str = " a an the of to in on at for from with by and or but so then than as if when after before while who which that \
 this these those it its he she they them their his her him i me my we us our you your each every per apiece away off out up down left \
 over more fewer less equally evenly now also too all altogether total together both between among into onto across there how many \
 much what not only still later today yesterday tomorrow already once again because until one's him'self himself herself themselves \
 next first second last another remaining rest same during about around back just same daily weekly total long old wide high deep tall \
 monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december week's morning afternoon evening night except older younger taller longer shorter heavier lighter cheaper ";

/// Whether the word usually describes the noun after it.
pub(crate) fn is_adjective(word: &str) -> bool {
    contains_word(ADJECTIVES, word)
}

/// Whether the word ends a noun phrase.
pub(crate) fn is_function_word(word: &str) -> bool {
    contains_word(FUNCTION_WORDS, word)
}

/// A word that says which day or month is meant.
pub(crate) fn is_date(word: &str) -> bool {
    contains_word(
        " monday tuesday wednesday thursday friday saturday sunday yesterday today january february march april may june july august september october november december ",
        word,
    )
}

/// Whether `word` stands in a list of words with a space on each side.
pub(crate) fn contains_word(list: &str, word: &str) -> bool {
    !word.is_empty() && list.split(' ').any(|entry| entry == word)
}

const IRREGULAR: &[(&str, &str)] = &[
    ("child", "children"),
    ("person", "people"),
    ("man", "men"),
    ("woman", "women"),
    ("foot", "feet"),
    ("tooth", "teeth"),
    ("goose", "geese"),
    ("mouse", "mice"),
    ("loaf", "loaves"),
    ("leaf", "leaves"),
    ("shelf", "shelves"),
    ("scarf", "scarves"),
    ("half", "halves"),
    ("knife", "knives"),
    ("penny", "pence"),
    ("potato", "potatoes"),
    ("tomato", "tomatoes"),
    ("hero", "heroes"),
    ("bus", "buses"),
    ("glass", "glasses"),
    ("class", "classes"),
    ("cookie", "cookies"),
    ("movie", "movies"),
    ("brownie", "brownies"),
    ("smoothie", "smoothies"),
    ("pie", "pies"),
    ("tie", "ties"),
    ("calorie", "calories"),
    ("cake", "cakes"),
    ("axe", "axes"),
    ("horse", "horses"),
    ("house", "houses"),
    ("rose", "roses"),
    ("vase", "vases"),
    ("case", "cases"),
    ("orange", "oranges"),
    ("page", "pages"),
    ("sheep", "sheep"),
    ("fish", "fish"),
    ("deer", "deer"),
    ("money", "money"),
    ("candy", "candies"),
    ("gas", "gas"),
    ("bread", "bread"),
    ("homework", "homework"),
];

/// The plural of a singular noun or noun phrase (`piece of candy` → `pieces of candy`).
pub(crate) fn plural(singular: &str) -> String {
    if let Some((head, of)) = singular.split_once(" of ") {
        return format!("{} of {of}", plural(head));
    }
    let (before, last) = match singular.rsplit_once(' ') {
        Some((before, last)) => (format!("{before} "), last),
        None => (String::new(), singular),
    };
    if let Some((_, plural)) = IRREGULAR.iter().find(|(one, _)| *one == last) {
        return format!("{before}{plural}");
    }
    let mut tail = last.chars().rev();
    let (end, previous) = (tail.next(), tail.next());
    match (previous, end) {
        (Some(previous), Some('y')) if !"aeiou".contains(previous) => {
            format!("{before}{}ies", last.strip_suffix('y').unwrap_or(last))
        }
        (_, Some('s' | 'x' | 'z')) | (Some('c' | 's'), Some('h')) => format!("{before}{last}es"),
        _ => format!("{before}{last}s"),
    }
}

/// The singular of a noun.
pub(crate) fn singular(word: &str) -> String {
    if let Some((one, _)) = IRREGULAR.iter().find(|(one, many)| *many == word || *one == word) {
        return (*one).to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    if let Some(stem) = word.strip_suffix("es") {
        if ["s", "x", "z", "ch", "sh"].iter().any(|end| stem.ends_with(end)) {
            return stem.to_owned();
        }
    }
    match word.strip_suffix('s') {
        Some(stem) if word.len() > 2 && !stem.ends_with('s') && !stem.ends_with('u') => {
            stem.to_owned()
        }
        _ => word.to_owned(),
    }
}

/// `a` or `an`, by the sound the phrase begins with.
pub(crate) fn article(phrase: &str) -> &'static str {
    let silent =
        ["hour", "honest", "heir", "8", "11 ", "18 "].iter().any(|start| phrase.starts_with(start));
    let consonant = ["one", "uni", "use", "euro"].iter().any(|start| phrase.starts_with(start));
    let vowel = phrase.chars().next().is_some_and(|first| "aeiouAEIOU".contains(first));
    if silent || (vowel && !consonant) { "an" } else { "a" }
}

/// Dimension and size of a unit of measurement, in the dimension's smallest unit here.
pub(crate) fn measure(noun: &str) -> Option<(&'static str, Number)> {
    let (dimension, size) = match noun {
        "second" => ("time", 1),
        "minute" => ("time", 60),
        "hour" => ("time", 3_600),
        "day" => ("time", 86_400),
        "week" => ("time", 604_800),
        "millimetre" | "millimeter" | "mm" => ("length", 1),
        "centimetre" | "centimeter" | "cm" => ("length", 10),
        "metre" | "meter" => ("length", 1_000),
        "kilometre" | "kilometer" | "km" => ("length", 1_000_000),
        "inch" => ("imperial length", 1),
        "foot" => ("imperial length", 12),
        "yard" => ("imperial length", 36),
        "mile" => ("imperial length", 63_360),
        "milligram" => ("mass", 1),
        "gram" => ("mass", 1_000),
        "kilogram" | "kilo" | "kg" => ("mass", 1_000_000),
        "tonne" => ("mass", 1_000_000_000),
        "ounce" => ("imperial mass", 1),
        "pound" => ("imperial mass", 16),
        "millilitre" | "milliliter" | "ml" => ("volume", 1),
        "centilitre" | "centiliter" => ("volume", 10),
        "litre" | "liter" => ("volume", 1_000),
        "month" => ("calendar", 1),
        "year" => ("calendar", 12),
        _ => return None,
    };
    Some((dimension, Number::whole(size)))
}

/// The owner a pronoun may stand for, where the name tells.
pub(crate) fn is_feminine(name: &str) -> Option<bool> {
    const FEMININE: &str = " maria anna emma olivia sophie sophia priya aisha lucy grace hannah chloe mia nina laura julia sarah sara jane \
 mary alice ella zoe ruth clara rosa amy lily eve janet natalia betty yuki ingrid leila mum mother grandmother aunt sister girl woman \
 amira freya elena she her ";
    const MASCULINE: &str = " tom ben jack daniel james john peter omar ravi luca marco david paul mark sam leo noah oliver henry george \
 carlos ahmed ivan kofi hiro bob mike weng ken dad father grandfather uncle brother boy man farmer mateo felix diego he him his ";
    if contains_word(FEMININE, name) {
        Some(true)
    } else if contains_word(MASCULINE, name) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_and_singulars_undo_each_other() {
        for (one, many) in [
            ("apple", "apples"),
            ("box", "boxes"),
            ("cherry", "cherries"),
            ("loaf", "loaves"),
            ("cookie", "cookies"),
            ("bus", "buses"),
            ("glass", "glasses"),
            ("child", "children"),
            ("day", "days"),
            ("sandwich", "sandwiches"),
        ] {
            assert_eq!(plural(one), many);
            assert_eq!(singular(many), one);
            assert_eq!(singular(one), one);
        }
        assert_eq!(plural("piece of candy"), "pieces of candy");
    }

    #[test]
    fn articles_follow_the_sound() {
        assert_eq!(
            (article("apple"), article("box"), article("hour"), article("unit")),
            ("an", "a", "an", "a")
        );
    }
}
