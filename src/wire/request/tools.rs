//! What the tools of a request are called: an answer may call them so, in whatever letters.

use super::Request;
use crate::wire::json::{Error, Reader};
use crate::wire::listed::is_identifier;

/// The most names that are noted, and the longest. No server takes as many.
const TOOLS: (usize, usize) = (256, 1024);

/// Objects of a tool in which its name may stand.
const INSIDE: [&str; 2] = ["function", "custom"];

impl Request {
    /// Notes the names in a member of the top level that no program would give: the others pass
    /// anyway.
    pub(super) fn tools(&mut self, name: &[u8], reader: &mut Reader<'_>) -> Result<(), Error> {
        if !matches!(name, b"tools" | b"functions") {
            return Ok(());
        }
        reader.elements(|reader, _| {
            reader.members(|reader, key| {
                if INSIDE.iter().any(|inside| key.is(inside)) {
                    return reader.members(|reader, key| match key.is("name") {
                        true => self.tool(reader),
                        false => reader.pass(),
                    });
                }
                if key.is("name") { self.tool(reader) } else { reader.pass() }
            })
        })
    }

    fn tool(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let name = reader.name()?.map(|(_, name)| name);
        let noted = |name: &String| name.len() <= TOOLS.1 && !is_identifier(name.as_bytes());
        self.tools.extend(name.filter(noted).filter(|_| self.tools.len() < TOOLS.0));
        Ok(())
    }
}
