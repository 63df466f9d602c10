//! Objects inside a request of which a policy governs some members.

use super::{AskedEffort, EffortSaid, Request};
use crate::wire::json::{Error, Reader, fold};

/// Members of the top level that hold such objects, and what is governed in them.
const GOVERNED: [(&str, &[&str]); 4] = [
    ("options", &["max_completion_tokens", "max_tokens", "num_predict"]),
    ("output_config", &["effort"]),
    ("reasoning", &["effort", "enabled", "max_tokens"]),
    ("thinking", &["budget_tokens", "display", "effort", "type"]),
];

impl Request {
    /// Notes what in the value of a member of the top level servers would read differently: a
    /// governed member that stands there twice, or under a name that differs in case only. So does an
    /// effort that few servers read there.
    pub(super) fn inside(&mut self, name: &[u8], reader: &mut Reader<'_>) -> Result<(), Error> {
        let known = GOVERNED.iter().find(|(known, _)| known.as_bytes() == name);
        let Some((outer, governed)) = known else { return Ok(()) };
        let mut seen: Vec<String> = Vec::new();
        reader.members(|reader, key| {
            let name = String::from_utf8_lossy(&key.name()).into_owned();
            let folded = fold(&name);
            if *outer == "thinking" && name == "effort" {
                self.efforts.push(AskedEffort {
                    place: EffortSaid::Thinking,
                    ..AskedEffort::read(reader)?
                });
            } else {
                reader.pass()?;
            }
            if governed.contains(&folded.as_str()) {
                if folded != name || seen.contains(&folded) {
                    self.ambiguous = Some(format!("{outer}.{folded}"));
                } else {
                    seen.push(folded);
                }
            }
            Ok(())
        })
    }
}
