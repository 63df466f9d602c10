//! As much of PromQL as it takes to see which series a query asks for.

/// Functions of one argument that take a range of a counter.
const RATES: [&str; 3] = ["rate", "increase", "changes"];

/// Words that name no series.
const WORDS: [&str; 12] = [
    "and",
    "or",
    "unless",
    "on",
    "ignoring",
    "bool",
    "offset",
    "group_left",
    "sum",
    "count",
    "min",
    "max",
];

/// A series that a query asks for.
#[derive(Debug, PartialEq)]
pub(crate) struct Selector {
    pub(crate) name: String,
    /// Labels that are compared, with what they are compared with.
    pub(crate) matchers: Vec<(String, String)>,
    /// The function that it stands in directly, if that takes a range.
    pub(crate) rate: Option<String>,
}

/// What a query asks for.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) selectors: Vec<Selector>,
    /// Labels that are grouped or matched by.
    pub(crate) grouped: Vec<String>,
}

/// Reads a query.
///
/// # Panics
/// On a word that is neither a function, nor of the language, nor a series of ours.
pub(crate) fn read(text: &str) -> Query {
    let mut query = Query::default();
    let mut rest = text;
    let mut functions: Vec<String> = Vec::new();
    while let Some(next) = rest.chars().next() {
        if next.is_ascii_alphabetic() || next == '_' {
            let word = word(&mut rest);
            let argument = rest.trim_start();
            if ["by", "without", "on"].contains(&word.as_str()) {
                rest = argument.strip_prefix('(').unwrap_or_else(|| panic!("{text}"));
                let (labels, behind) = rest.split_once(')').unwrap_or_else(|| panic!("{text}"));
                query.grouped.extend(labels.split(',').map(|label| label.trim().to_owned()));
                rest = behind;
            } else if let Some(behind) = argument.strip_prefix('(') {
                functions.push(word);
                rest = behind;
            } else if word.starts_with("guilloche_") {
                let matchers = matchers(&mut rest);
                let rate = functions.last().filter(|it| RATES.contains(&it.as_str()));
                let is_range = rest.starts_with('[');
                assert_eq!(is_range, rate.is_some(), "{word} in {functions:?}: {text}");
                query.selectors.push(Selector { name: word, matchers, rate: rate.cloned() });
            } else {
                assert!(WORDS.contains(&word.as_str()), "{word}: {text}");
            }
            continue;
        }
        match next {
            // A bracket of its own stands in whatever is around it.
            '(' => functions.push("(".to_owned()),
            ')' => drop(functions.pop().unwrap_or_else(|| panic!("too many brackets: {text}"))),
            '[' => rest = rest.split_at(rest.find(']').unwrap()).1,
            _ => {}
        }
        rest = rest.split_at(next.len_utf8()).1;
        // A number may end in a unit, which is no word.
        if next.is_ascii_digit() {
            rest = rest.trim_start_matches(|it: char| it.is_ascii_alphanumeric() || it == '.');
        }
    }
    assert!(functions.is_empty(), "too few brackets: {text}");
    query
}

fn word(rest: &mut &str) -> String {
    let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(rest.len());
    let (word, behind) = rest.split_at(end);
    *rest = behind;
    word.to_owned()
}

fn matchers(rest: &mut &str) -> Vec<(String, String)> {
    let Some(inside) = rest.strip_prefix('{') else { return Vec::new() };
    let (inside, behind) = inside.split_once('}').unwrap();
    *rest = behind;
    let matcher = |matcher: &str| {
        let name: String =
            matcher.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
        let value = matcher.split('"').nth(1).unwrap();
        (name, value.to_owned())
    };
    // No value of ours holds a comma.
    inside.split(',').map(|it| matcher(it.trim())).collect()
}

#[test]
fn a_query_is_read_to_its_series_with_their_labels() {
    let text = "(sum by (instance) (increase(guilloche_a_total{x=\"1\",y=~\"b|c\"}[6h])) > 1000) unless \
                on (instance) (guilloche_b == 0)";
    let query = read(text);
    assert_eq!(query.grouped, ["instance", "instance"]);
    let [first, second] = &query.selectors[..] else { panic!("{query:?}") };
    assert_eq!(
        (first.name.as_str(), first.rate.as_deref()),
        ("guilloche_a_total", Some("increase"))
    );
    let matchers = [("x".to_owned(), "1".to_owned()), ("y".to_owned(), "b|c".to_owned())];
    assert_eq!(first.matchers, matchers);
    assert_eq!((second.name.as_str(), &second.rate), ("guilloche_b", &None));
}
