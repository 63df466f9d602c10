//! Where an upstream's error says what went wrong.
//!
//! The shapes differ little: `{"error":{"message","type","code","param"}}` of OpenAI and most
//! others, the same members without the outer object (vLLM), `{"type":"error","error":{…}}` of
//! Anthropic, `{"error":"…"}` (TGI, Ollama), `{"detail":…}` (FastAPI), Google's list of one. Beside
//! them stand members of the vendors' own (`failed_generation`, `metadata.raw`, `innererror`), which
//! may hold anything.

use http::StatusCode;

use super::failure::{Failure, is_error_name};
use super::json::{self, Kind, Reader, unescape_lossy};
use super::listed::{Listed, Shape, number, shape};
use super::scan::{FieldKind, Scan};

/// How deep errors stand in errors.
const DEPTH: usize = 3;

/// What may stand beside the message.
const BESIDE: [Listed; 16] = [
    (b"request_id", Shape::Identifier),
    (b"requestId", Shape::Identifier),
    (b"event_id", Shape::Identifier),
    (b"trace_id", Shape::Identifier),
    (b"id", Shape::Identifier),
    (b"success", Shape::Flag),
    (b"created", Shape::Time),
    (b"details", Shape::Findings),
    (b"innererror", Shape::Findings),
    (b"inner_error", Shape::Findings),
    (b"content_filter_result", Shape::Findings),
    (b"content_filter_results", Shape::Findings),
    (b"retry_after", Shape::Findings),
    (b"sequence_number", Shape::Findings),
    (b"loc", Shape::Findings),
    (b"url", Shape::Links),
];

/// Finds what stands in the body of a response whose status says that it is an error; whether
/// it has a message.
///
/// # Errors
/// It is not JSON.
pub(crate) fn scan_error(
    body: &[u8],
    status: StatusCode,
    scan: &mut Scan,
) -> Result<bool, json::Error> {
    let mut told = Told::default();
    Reader::new(body).document(|reader| match reader.kind()? {
        Kind::Array => reader.elements(|reader, _| error(reader, DEPTH, &mut told, scan)),
        _ => error(reader, DEPTH, &mut told, scan),
    })?;
    scan.error = true;
    scan.settle(0, told.failure().unwrap_or(Failure::of_status(status)));
    Ok(told.message)
}

/// Finds what stands in an event that its framing calls an exception: what goes wrong by the name of
/// its `kind`, if that tells.
///
/// # Errors
/// It is not JSON.
pub(super) fn scan_exception(
    kind: Option<&[u8]>,
    payload: &[u8],
    scan: &mut Scan,
) -> Result<(), json::Error> {
    let named = kind.and_then(|kind| std::str::from_utf8(kind).ok()).and_then(Failure::of_name);
    let mut told = Told { named, ..Told::default() };
    Reader::new(payload).document(|reader| error(reader, DEPTH, &mut told, scan))?;
    (scan.error, scan.says_more, scan.unrepeatable) = (true, true, true);
    scan.settle(0, told.failure().unwrap_or(Failure::Server));
    Ok(())
}

/// Reads the value of an `error` member, in a stream or in a document that is no error by its
/// status.
pub(super) fn member(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), json::Error> {
    let first = scan.fields.len();
    let mut told = Told::default();
    error(reader, DEPTH, &mut told, scan)?;
    scan.settle(first, told.failure().unwrap_or(Failure::Server));
    Ok(())
}

/// The same where the value is what the error says, as a string.
pub(super) fn text(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), json::Error> {
    if reader.kind()? != Kind::String {
        return member(reader, scan);
    }
    let first = scan.fields.len();
    let mut told = Told::default();
    message(reader, &mut told, scan)?;
    scan.settle(first, told.failure().unwrap_or(Failure::Server));
    Ok(())
}

/// An error whose members stand beside those of what holds it: `{"type":"error","message":…}`.
pub(super) struct Flat {
    told: Told,
    /// Its first field.
    first: usize,
    /// Some of it has come.
    begun: bool,
}

impl Flat {
    /// Before any of its members.
    pub(super) fn new(scan: &Scan) -> Self {
        Self { told: Told::default(), first: scan.fields.len(), begun: false }
    }

    /// Reads one of them.
    pub(super) fn member(
        &mut self,
        reader: &mut Reader<'_>,
        member: &[u8],
        scan: &mut Scan,
    ) -> Result<(), json::Error> {
        self.begun = true;
        match member {
            b"error" => error(reader, DEPTH, &mut self.told, scan),
            b"message" => message(reader, &mut self.told, scan),
            _ => name(reader, &mut self.told, scan),
        }
    }

    /// Says what it is about, now that all of it has been read.
    pub(super) fn settle(self, scan: &mut Scan) {
        if self.begun {
            scan.settle(self.first, self.told.failure().unwrap_or(Failure::Server));
        }
    }
}

/// What an error has told so far.
#[derive(Default)]
struct Told {
    named: Option<Failure>,
    said: Option<Failure>,
    message: bool,
}

impl Told {
    fn failure(&self) -> Option<Failure> {
        // `invalid_request_error` names nearly everything.
        match self.named {
            None | Some(Failure::Invalid | Failure::Server) => self.said.or(self.named),
            named => named,
        }
    }
}

/// An error: an object, or what it says as a string.
fn error(
    reader: &mut Reader<'_>,
    depth: usize,
    told: &mut Told,
    scan: &mut Scan,
) -> Result<(), json::Error> {
    match reader.kind()? {
        Kind::Object if depth > 0 => reader.members(|reader, key| match &*key.name() {
            b"error" => error(reader, depth - 1, told, scan),
            // What is wrong with a request, one by one: typed clients expect a list there.
            b"detail" if reader.kind()? == Kind::Array => {
                reader.elements(|reader, _| error(reader, depth - 1, told, scan))
            }
            b"message" if reader.kind()? == Kind::Object => error(reader, depth - 1, told, scan),
            // Amazon capitalizes some.
            b"message" | b"Message" | b"detail" | b"msg" | b"title" | b"error_description" => {
                message(reader, told, scan)
            }
            b"type" | b"__type" | b"code" | b"status" | b"error_type" | b"error_code"
            | b"object" | b"status_code" | b"statusCode" | b"param" => name(reader, told, scan),
            name => match shape(&BESIDE, name) {
                Some(shape) => scan.shaped(reader, shape, FieldKind::ErrorDetail, name),
                None => scan.unlisted(reader, FieldKind::ErrorDetail, name),
            },
        }),
        Kind::String if depth < DEPTH => message(reader, told, scan),
        // Clients take an error for none by such values.
        Kind::Null | Kind::Scalar => scan.shaped(reader, Shape::Flag, FieldKind::ErrorDetail, b""),
        _ => scan.unlisted(reader, FieldKind::ErrorDetail, b""),
    }
}

fn message(reader: &mut Reader<'_>, told: &mut Told, scan: &mut Scan) -> Result<(), json::Error> {
    let null = reader.kind()? == Kind::Null;
    let span = reader.skip()?;
    if null {
        return Ok(());
    }
    let said = unescape_lossy(reader.bytes().get(span.clone()).unwrap_or_default());
    told.said = told.said.or_else(|| Failure::of_message(&said));
    told.message = true;
    scan.field(FieldKind::ErrorMessage(Failure::Server), span);
    Ok(())
}

/// A name or number of the error, or of what it is about.
fn name(reader: &mut Reader<'_>, told: &mut Told, scan: &mut Scan) -> Result<(), json::Error> {
    let kind = reader.kind()?;
    let start = reader.position();
    let named = reader.name()?;
    let span = start..reader.position();
    let value = reader.bytes().get(span.clone()).unwrap_or_default();
    let known = match (&named, kind) {
        (Some((_, named)), _) => {
            told.named = told.named.or_else(|| Failure::of_name(named));
            is_error_name(named)
        }
        (None, Kind::Null) => true,
        (None, Kind::Scalar) => {
            Shape::Flag.fits(value)
                || number(value).is_some_and(|code| (100.0..600.0).contains(&code))
        }
        (None, _) => false,
    };
    if !known {
        scan.field(FieldKind::ErrorDetail, span);
    }
    Ok(())
}
