//! What Amazon counts of a stream, beside the last of the vendor's events and whoever the vendor is.

use crate::wire::json::{Error, Kind, Reader};
use crate::wire::scan::{FieldKind, Scan};
use crate::wire::usage;

/// The member that says it.
const MEMBER: &str = "amazon-bedrock-invocationMetrics";

/// Reads it where the vendor's own codec has found a member that it does not know.
pub(super) fn scan(payload: &[u8], scan: &mut Scan) -> Result<(), Error> {
    let unknown = |kind| matches!(kind, FieldKind::Leak);
    let found = scan.fields.iter().position(|it| unknown(it.kind) && it.name == MEMBER);
    let Some(found) = found else { return Ok(()) };
    let start = scan.fields.remove(found).span.start;
    let mut reader = Reader::at(payload, start);
    if !scan.expects(Kind::Object, &mut reader, MEMBER.as_bytes())? {
        return Ok(());
    }
    reader.members(|reader, key| match &*key.name() {
        name @ b"inputTokenCount" => usage::input(reader, name, scan),
        name @ b"outputTokenCount" => usage::output(reader, name, scan),
        name @ (b"cacheReadInputTokenCount" | b"cacheWriteInputTokenCount") => {
            usage::request(reader, name, scan).map(|_| ())
        }
        // How long it took tells how much was generated.
        name @ (b"firstByteLatency" | b"invocationLatency") => usage::telling(reader, name, scan),
        name => scan.leak(reader, name),
    })
}
