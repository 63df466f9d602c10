//! Tools, plugins and routes by which a request has a model beside its own take part.
//!
//! A server that runs tools itself may ask another model for help, or a panel of them, and a gateway
//! may choose one by a plugin. A downgrade that left those alone would have the strong model answer
//! through the back door. Tools that the client runs are its own affair, whatever they are called.

use crate::wire::json::{Edit, Error, Kind, Members, Reader, fold, removals};

/// The most entries of a list: more cannot be told apart, and the member goes as a whole.
const ENTRIES: usize = 1024;

/// Plugins of gateways that let no other model answer.
const PLUGINS: [&str; 6] =
    ["context-compression", "file-parser", "moderation", "pdf-inputs", "response-healing", "web"];

/// What a server's own tools that ask a model have in their types.
const ASKING: [&str; 4] = ["advisor", "agent", "fusion", "model"];

/// What of a member has other models take part.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Delegates {
    /// Nothing.
    #[default]
    None,
    /// Some entries: the edits that take them out.
    Some(Vec<Edit>),
    /// All of it.
    All,
}

impl Delegates {
    /// Reads the value of a member of the top level, its name in folded case.
    pub(super) fn read(folded: &str, reader: &mut Reader<'_>) -> Result<Self, Error> {
        let asks: fn(&mut Reader<'_>) -> Result<bool, Error> = match folded {
            "tools" => is_asking_tool,
            "plugins" => is_routing_plugin,
            // An agent has a model of its own.
            "agent_id" => {
                let named = reader.kind()? != Kind::Null;
                return Ok(if named { Self::All } else { Self::None });
            }
            "metadata" | "litellm_metadata" => return structured(reader),
            "provider" => {
                let routes = names_a_model(reader)?;
                return Ok(if routes { Self::All } else { Self::None });
            }
            _ => return Ok(Self::None),
        };
        if reader.kind()? != Kind::Array {
            return Ok(Self::None);
        }
        let (mut entries, mut asking) = (Members::default(), Vec::new());
        reader.elements(|reader, _| {
            let mut asked = false;
            let span = reader.spanned(|reader| {
                asked = asks(reader)?;
                Ok(())
            })?;
            if entries.spans.len() < ENTRIES {
                entries.spans.push(span);
                asking.push(asked);
            } else if asked {
                // Among more than are noted.
                asking.fill(true);
            }
            Ok(())
        })?;
        Ok(match asking.iter().filter(|asked| **asked).count() {
            0 => Self::None,
            all if all == asking.len() => Self::All,
            _ => Self::Some(removals(&entries, |at| asking.get(at).copied().unwrap_or(false))),
        })
    }
}

/// What of a request's metadata is more than text, as the standard has it: gateways route by lists of
/// tags.
fn structured(reader: &mut Reader<'_>) -> Result<Delegates, Error> {
    if reader.kind()? == Kind::Array {
        return Ok(Delegates::All);
    }
    let (mut entries, mut closed) = (Members::default(), Vec::new());
    reader.members(|reader, key| {
        let holds = matches!(reader.kind()?, Kind::Array | Kind::Object);
        let value = reader.skip()?;
        if entries.spans.len() < ENTRIES {
            entries.spans.push(key.start..value.end);
            closed.push(holds);
        } else if holds {
            closed.fill(true);
        }
        Ok(())
    })?;
    Ok(match closed.iter().filter(|closed| **closed).count() {
        0 => Delegates::None,
        all if all == closed.len() => Delegates::All,
        _ => Delegates::Some(removals(&entries, |at| closed.get(at).copied().unwrap_or(false))),
    })
}

/// Whether a tool is the server's own and asks a model.
fn is_asking_tool(reader: &mut Reader<'_>) -> Result<bool, Error> {
    let at = reader.position();
    let (mut own, mut asks) = (false, false);
    reader.members(|reader, key| {
        if fold(&String::from_utf8_lossy(&key.name())) != "type" {
            return reader.pass();
        }
        if let Some((_, kind)) = reader.name()? {
            let kind = kind.trim().to_lowercase();
            own |= !matches!(&*kind, "function" | "custom" | "");
            asks |= ASKING.iter().any(|asking| kind.contains(asking));
        }
        Ok(())
    })?;
    Ok(own && (asks || names_a_model(&mut Reader::at(reader.bytes(), at))?))
}

/// Whether a plugin is not known to leave the model alone.
fn is_routing_plugin(reader: &mut Reader<'_>) -> Result<bool, Error> {
    let at = reader.position();
    let mut known = false;
    reader.members(|reader, key| {
        if !key.is("id") {
            return reader.pass();
        }
        let id = reader.name()?.map(|(_, id)| id);
        known = id.is_some_and(|id| PLUGINS.contains(&&*id));
        Ok(())
    })?;
    Ok(!known || names_a_model(&mut Reader::at(reader.bytes(), at))?)
}

/// Whether a value has, however deep, a member that names models.
fn names_a_model(reader: &mut Reader<'_>) -> Result<bool, Error> {
    let mut found = false;
    match reader.kind()? {
        Kind::Object => {
            reader.members(|reader, key| {
                let name = fold(&String::from_utf8_lossy(&key.name()));
                found |= name.contains("model") || name == "fallbacks";
                found |= names_a_model(reader)?;
                Ok(())
            })?;
        }
        Kind::Array => {
            reader.elements(|reader, _| {
                found |= names_a_model(reader)?;
                Ok(())
            })?;
        }
        _ => reader.pass()?,
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::splice;

    fn left(name: &str, value: &str) -> String {
        match Delegates::read(name, &mut Reader::new(value.as_bytes())).unwrap() {
            Delegates::None => value.to_owned(),
            Delegates::All => "-".to_owned(),
            Delegates::Some(mut edits) => {
                String::from_utf8(splice(value.as_bytes(), &mut edits)).unwrap()
            }
        }
    }

    #[test]
    fn what_has_another_model_take_part_is_taken_out() {
        for (name, value, expected) in [
            ("tools", r#"[{"type":"advisor_20260301","name":"advisor","model":"big"}]"#, "-"),
            ("tools", r#"[{"type":"openrouter:fusion"}, {"name":"f"}]"#, r#"[{"name":"f"}]"#),
            (
                "tools",
                r#"[{"type":"function","function":{}},{"type":"x","parameters":{"Models":["big"]}}]"#,
                r#"[{"type":"function","function":{}}]"#,
            ),
            ("tools", r#"[{"type":"function","type":"advisor"}]"#, "-"),
            ("tools", r#"[{"Type":"advisor"}]"#, "-"),
            ("plugins", r#"[{"id":"web"},{"id":"auto-router"}]"#, r#"[{"id":"web"}]"#),
            ("plugins", r#"[{"id":"web","model":"big"}]"#, "-"),
            ("provider", r#"{"order":["a"],"models":["big"]}"#, "-"),
            (
                "metadata",
                r#"{"user_id":"u", "tags":["paid"],"a":"b"}"#,
                r#"{"user_id":"u", "a":"b"}"#,
            ),
            ("metadata", r#"{"tags":["paid"]}"#, "-"),
            ("litellm_metadata", r#"{"a":"b","x":{"tags":[]}}"#, r#"{"a":"b"}"#),
        ] {
            assert_eq!(left(name, value), expected, "{name}: {value}");
        }
    }

    #[test]
    fn tools_of_the_client_and_those_that_ask_no_model_stay() {
        for (name, value) in [
            (
                "tools",
                r#"[{"type":"function","function":{"name":"model","parameters":{"model":1}}}]"#,
            ),
            ("tools", r#"[{"name":"advisor","input_schema":{"properties":{"model":{}}}}]"#),
            ("tools", r#"[{"type":"custom","name":"a","input_schema":{"model":1}}]"#),
            ("tools", r#"[{"type":"web_search_20250305","name":"web_search"}]"#),
            ("tools", r#"[{"type":"web_search_options"}]"#),
            ("tools", r#"[]"#),
            ("tools", r#"null"#),
            (
                "plugins",
                r#"[{"id":"web","max_results":3},{"id":"file-parser","pdf":{"engine":"x"}}]"#,
            ),
            ("provider", r#"{"order":["a"],"allow_fallbacks":false}"#),
            ("metadata", r#"{"user_id":"u","n":1}"#),
            ("other", r#"[{"type":"advisor"}]"#),
        ] {
            assert_eq!(left(name, value), value, "{name}");
        }
    }
}
