//! Names of models, as far as their spelling can be told apart from the model that they name.
//!
//! Servers and gateways trim names, ignore their case, put a vendor before them (`openai/…`) or a
//! variant behind them (`…:thinking`, `…@2026-11`). A policy that compared letters would be escaped by
//! any of these.

/// Whether a name names nothing, so that the server chooses.
#[must_use]
pub fn is_blank(name: &str) -> bool {
    name.chars().all(is_blank_character)
}

/// A name without what servers ignore: white space and unseen characters around it, and case.
#[must_use]
pub fn normalized(name: &str) -> String {
    name.trim_matches(is_blank_character).to_lowercase()
}

/// The spellings of one model in a normalized name: as it stands, and without the vendors before it,
/// or the folders of a file; in Amazon Bedrock's names also without where it runs.
pub fn spellings(normalized: &str) -> impl Iterator<Item = &str> {
    let ends = normalized.match_indices(['/', '\\']);
    let behind = ends.filter_map(|(at, _)| normalized.get(at + 1..));
    let names = std::iter::once(normalized).chain(behind);
    names.flat_map(|name| std::iter::once(name).chain(of_bedrock(name)))
}

/// Where Amazon Bedrock's inference profiles have a model run: what their names begin with.
const REGIONS: [&str; 14] =
    ["af", "apac", "au", "ca", "eu", "global", "il", "jp", "me", "mx", "sa", "uk", "us", "us-gov"];

/// What its models' own names begin with.
const VENDORS: [&str; 19] = [
    "ai21",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "google",
    "luma",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "moonshotai",
    "nvidia",
    "openai",
    "qwen",
    "stability",
    "twelvelabs",
    "writer",
    "zai",
];

/// A name such as `us.anthropic.claude-…` without its region, and without its vendor.
fn of_bedrock(name: &str) -> impl Iterator<Item = &str> {
    let behind = |name: &'_ str, known: &[&str]| {
        let (front, rest) = name.split_once('.')?;
        known.contains(&front).then_some(name.len() - rest.len())
    };
    let region = behind(name, &REGIONS).unwrap_or_default();
    let own = name.get(region..).unwrap_or_default();
    let vendor = behind(own, &VENDORS);
    let found = [vendor.filter(|_| region > 0).map(|_| region), vendor.map(|it| region + it)];
    found.into_iter().flatten().filter_map(|at| name.get(at..))
}

/// Whether a spelling names `model`, or a variant of it. Both are normalized.
#[must_use]
pub fn names(spelling: &str, model: &str) -> bool {
    let variant = spelling.strip_prefix(model);
    variant.is_some_and(|variant| variant.is_empty() || variant.starts_with([':', '@']))
}

/// Words of paths, and vendors. A path that has one is not thereby asking for a model, whatever
/// family of models begins alike.
const COMMON: [&str; 46] = [
    "ai",
    "anthropic",
    "api",
    "apis",
    "app",
    "azure",
    "backend",
    "bedrock",
    "beta",
    "cohere",
    "compat",
    "compatible-mode",
    "deepseek",
    "default",
    "deployments",
    "dev",
    "endpoint",
    "endpoints",
    "engines",
    "gateway",
    "google",
    "groq",
    "inference",
    "internal",
    "llm",
    "llms",
    "meta",
    "minimax",
    "mistral",
    "mistralai",
    "models",
    "moonshot",
    "openai",
    "openai-compatible",
    "openrouter",
    "prod",
    "proxy",
    "public",
    "route",
    "router",
    "serve",
    "serving",
    "staging",
    "test",
    "upstream",
    "xai",
];

/// Whether a normalized name is a usual part of a path, rather than a model's name.
#[must_use]
pub fn is_common(normalized: &str) -> bool {
    let version = normalized.strip_prefix('v').is_some_and(|rest| {
        let digits = rest.trim_start_matches(|it: char| it.is_ascii_digit());
        digits.len() < rest.len() && matches!(digits, "" | "alpha" | "beta" | "alpha1" | "beta1")
    });
    version || COMMON.contains(&normalized)
}

fn is_blank_character(character: char) -> bool {
    let unseen = matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    unseen || character.is_whitespace() || character.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_in_every_spelling() {
        for name in [
            "big",
            " Big\t",
            "BIG",
            "openai/big",
            "a/b/big",
            "big:think",
            "big@2026",
            "\u{feff}big",
            "C:\\models\\big",
            "anthropic.big",
            "us.anthropic.big:0",
            "arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.big:0",
        ] {
            let normalized = normalized(name);
            assert!(spellings(&normalized).any(|spelling| names(spelling, "big")), "{name:?}");
        }
        for name in ["bigger", "big-mini", "big/x", "", "b", "us.big", "a.big", "us.a.big"] {
            let normalized = normalized(name);
            assert!(!spellings(&normalized).any(|spelling| names(spelling, "big")), "{name:?}");
        }
    }

    #[test]
    fn versions_and_vendors_are_no_names_of_models() {
        for word in ["v1", "v1beta", "v12", "api", "openai", "deepseek"] {
            assert!(is_common(word), "{word}");
        }
        for word in ["v", "vx", "v1-large", "v3.1", "deepseek-v3", "big", ""] {
            assert!(!is_common(word), "{word}");
        }
    }

    #[test]
    fn a_name_of_nothing_seen_is_blank() {
        for name in ["", "  ", "\u{200b}", "\u{0}\n"] {
            assert!(is_blank(name), "{name:?}");
        }
        assert!(!is_blank("."));
    }
}
