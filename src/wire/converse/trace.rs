//! What guardrails and routers tell of an answer.
//!
//! A trace repeats what the model said before a guardrail changed it, and what of it matched; that goes. What
//! was found, in identifiers and small numbers, stays.

use crate::wire::json::{Error, Kind, Reader};
use crate::wire::listed::{Listed, Shape, is_identifier};
use crate::wire::scan::Scan;
use crate::wire::usage::telling;

/// Findings of a guardrail's policies. What an automated proof says repeats the answer's claims in words.
const POLICIES: [Listed; 6] = [
    (b"topicPolicy", Shape::Findings),
    (b"contentPolicy", Shape::Findings),
    (b"wordPolicy", Shape::Findings),
    (b"sensitiveInformationPolicy", Shape::Findings),
    (b"contextualGroundingPolicy", Shape::Findings),
    (b"appliedGuardrailDetails", Shape::Data),
];

/// Reads `trace`.
pub(super) fn scan(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    object(reader, b"trace", scan, |reader, name, scan| match name {
        b"guardrail" => guardrail(reader, name, scan),
        b"promptRouter" => object(reader, name, scan, |reader, name, scan| match name {
            b"invokedModelId" => scan.model(reader),
            name => scan.leak(reader, name),
        }),
        name => scan.leak(reader, name),
    })
}

fn guardrail(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    object(reader, name, scan, |reader, name, scan| match name {
        b"inputAssessment" => by_id(reader, name, scan, assessment),
        b"outputAssessments" => by_id(reader, name, scan, |reader, name, scan| {
            if !scan.expects(Kind::Array, reader, name)? {
                return Ok(());
            }
            reader.elements(|reader, _| assessment(reader, name, scan))
        }),
        name => scan.listed(reader, &[(b"action", Shape::Identifier)], name),
    })
}

fn assessment(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    object(reader, name, scan, |reader, name, scan| match name {
        // It counts what was looked at.
        b"invocationMetrics" => telling(reader, name, scan),
        name => scan.listed(reader, &POLICIES, name),
    })
}

/// Reads an object whose members are named by the ids of guardrails.
fn by_id(
    reader: &mut Reader<'_>,
    name: &[u8],
    scan: &mut Scan,
    mut member: impl FnMut(&mut Reader<'_>, &[u8], &mut Scan) -> Result<(), Error>,
) -> Result<(), Error> {
    object(reader, name, scan, |reader, id, scan| match is_identifier(id) {
        true => member(reader, id, scan),
        false => scan.leak(reader, id),
    })
}

/// Reads an object, each member by `member`.
fn object(
    reader: &mut Reader<'_>,
    name: &[u8],
    scan: &mut Scan,
    mut member: impl FnMut(&mut Reader<'_>, &[u8], &mut Scan) -> Result<(), Error>,
) -> Result<(), Error> {
    if !scan.expects(Kind::Object, reader, name)? {
        return Ok(());
    }
    reader.members(|reader, key| member(reader, &key.name(), scan))
}
