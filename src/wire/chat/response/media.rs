//! Media in an answer: images, recordings and files, and what is told of each.

use crate::wire::json::{Error, Kind, Reader};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{FieldKind, Scan};

/// Members that hold a medium: as a string, in an object, or in an array of either.
const HOLDERS: [&[u8]; 10] = [
    b"image_url",
    b"input_audio",
    b"audio_url",
    b"video_url",
    b"file",
    b"image",
    b"audio",
    b"source",
    b"inline_data",
    b"inlineData",
];

/// What is told of a medium.
const ENTRY: [Listed; 26] = [
    (b"type", Shape::Identifier),
    (b"id", Shape::Identifier),
    (b"index", Shape::Data),
    (b"url", Shape::Data),
    (b"b64_json", Shape::Data),
    (b"data", Shape::Data),
    (b"file_data", Shape::Data),
    (b"file_id", Shape::Identifier),
    (b"file_url", Shape::Data),
    (b"fileUri", Shape::Data),
    (b"displayName", Shape::Identifier),
    (b"filename", Shape::Identifier),
    (b"name", Shape::Identifier),
    (b"format", Shape::Identifier),
    (b"output_format", Shape::Identifier),
    (b"mime_type", Shape::Identifier),
    (b"mimeType", Shape::Identifier),
    (b"media_type", Shape::Identifier),
    (b"content_type", Shape::Identifier),
    (b"detail", Shape::Identifier),
    (b"background", Shape::Identifier),
    (b"quality", Shape::Identifier),
    (b"size", Shape::Data),
    (b"width", Shape::Data),
    (b"height", Shape::Data),
    (b"expires_at", Shape::Time),
];

/// How deep holders stand in each other: an image in an entry of `images`.
const DEPTH: u32 = 3;

/// A medium, or an array of media, under a member that is known for them.
pub(in crate::wire) fn media(
    reader: &mut Reader<'_>,
    name: &[u8],
    scan: &mut Scan,
) -> Result<(), Error> {
    within(reader, name, DEPTH, scan)
}

fn within(reader: &mut Reader<'_>, name: &[u8], depth: u32, scan: &mut Scan) -> Result<(), Error> {
    let Some(depth) = depth.checked_sub(1) else { return scan.leak(reader, name) };
    match reader.kind()? {
        Kind::Array => reader.elements(|reader, _| entry(reader, name, depth, scan)),
        _ => entry(reader, name, depth, scan),
    }
}

/// One medium.
fn entry(reader: &mut Reader<'_>, name: &[u8], depth: u32, scan: &mut Scan) -> Result<(), Error> {
    match reader.kind()? {
        Kind::Object => reader.members(|reader, key| match &*key.name() {
            name if HOLDERS.contains(&name) => within(reader, name, depth, scan),
            name => scan.listed(reader, &ENTRY, name),
        }),
        Kind::String => scan.shaped(reader, Shape::Data, FieldKind::Leak, name),
        _ => scan.leak(reader, name),
    }
}
