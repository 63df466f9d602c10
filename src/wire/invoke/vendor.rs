//! Whose body it is, by its members.

use super::{llama, nova};
use crate::wire::chat::Chat;
use crate::wire::converse::Converse;
use crate::wire::json::{Error, Kind, Reader};
use crate::wire::messages::Messages;
use crate::wire::{Carried, Protocol, Request, Said, Scan, Target};

/// What is wrong with a body that is nobody's.
const NOBODYS: Error =
    Error { at: 0, expected: "a body of Messages, Chat Completions, Nova or Llama" };

/// A vendor whose bodies are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vendor {
    /// Anthropic.
    Messages,
    /// Those who take Chat Completions.
    Chat,
    /// Amazon: Converse, a stream's events each under its own name.
    Nova,
    /// Meta: a prompt, and the text that goes on from it.
    Llama,
}

impl Vendor {
    /// Whose request this is.
    pub(super) fn asked(body: &[u8]) -> Result<Self, Error> {
        let mut found = Asked::default();
        Reader::new(body)
            .document(|reader| reader.object(|reader, key| found.read(reader, &key.name())))?;
        found.vendor().ok_or(NOBODYS)
    }

    /// Whose answer, whole or an event of it.
    pub(super) fn answered(body: &[u8]) -> Result<Self, Error> {
        let (mut found, mut several) = (None, false);
        Reader::new(body).document(|reader| {
            reader.object(|reader, key| {
                let vendor = match &*key.name() {
                    b"choices" => Some(Self::Chat),
                    b"generation" => Some(Self::Llama),
                    b"output" => Some(Self::Nova),
                    name => nova::is_event(name).then_some(Self::Nova),
                };
                several |= vendor.is_some() && found.is_some_and(|it| Some(it) != vendor);
                found = found.or(vendor);
                reader.pass()
            })
        })?;
        // Clients would each read their own.
        if several { Err(NOBODYS) } else { Ok(found.unwrap_or(Self::Messages)) }
    }

    pub(super) fn scan_request(self, target: Target, body: &[u8]) -> Result<Request, Error> {
        match self {
            Self::Messages => Messages.scan_request(target, body),
            Self::Chat => Chat.scan_request(target, body),
            Self::Nova => nova::scan_request(target, body),
            Self::Llama => llama::scan_request(target, body),
        }
    }

    pub(super) fn scan_event(
        self,
        kind: Option<&[u8]>,
        payload: &[u8],
        scan: &mut Scan,
    ) -> Result<(), Error> {
        match self {
            Self::Messages => Messages.scan_event(kind, payload, scan),
            Self::Chat => says_why(scan, |scan| Chat.scan_event(kind, payload, scan)),
            Self::Nova => nova::scan_event(payload, scan),
            Self::Llama => says_why(scan, |scan| llama::scan(payload, false, scan)),
        }
    }

    pub(super) fn scan_document(self, document: &[u8], scan: &mut Scan) -> Result<(), Error> {
        match self {
            Self::Messages => Messages.scan_document(document, scan),
            Self::Chat => Chat.scan_document(document, scan),
            Self::Nova => Converse.scan_document(document, scan),
            Self::Llama => llama::scan(document, true, scan),
        }
    }

    pub(super) fn scan_history(self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
        match self {
            Self::Messages => Messages.scan_history(body, each),
            Self::Chat => Chat.scan_history(body, each),
            Self::Nova => Converse.scan_history(body, each),
            Self::Llama => llama::scan_history(body, each),
        }
    }

    pub(super) fn scan_opening(self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
        match self {
            Self::Messages => Messages.scan_opening(body, each),
            Self::Chat => Chat.scan_opening(body, each),
            Self::Nova => Converse.scan_opening(body, each),
            Self::Llama => llama::scan_history(body, each),
        }
    }

    pub(super) fn scan_carried(
        self,
        body: &[u8],
        each: &mut dyn FnMut(Carried),
    ) -> Result<(), Error> {
        match self {
            Self::Messages => Messages.scan_carried(body, each),
            Self::Chat => Chat.scan_carried(body, each),
            Self::Nova => Converse.scan_carried(body, each),
            Self::Llama => Ok(()),
        }
    }
}

/// Reads an event of a vendor whose texts end where it is said why, not before.
fn says_why(
    scan: &mut Scan,
    read: impl FnOnce(&mut Scan) -> Result<(), Error>,
) -> Result<(), Error> {
    read(scan)?;
    let end = scan.closes.iter().find(|it| !it.reasoning_only);
    scan.cut_short = scan.cut_short.or(end.map(|it| it.cut_short));
    Ok(())
}

/// What the members of a request say.
#[derive(Default)]
struct Asked {
    /// One that only Anthropic's has.
    messages: bool,
    /// There are messages.
    talks: bool,
    /// One that only Nova's has, or blocks without a type, as Converse has them.
    nova: bool,
    prompt: bool,
    /// One that Llama's has not.
    others: bool,
    /// One of a body that is not read.
    unread: bool,
}

impl Asked {
    fn read(&mut self, reader: &mut Reader<'_>, name: &[u8]) -> Result<(), Error> {
        match name {
            b"anthropic_version" => self.messages = true,
            b"inferenceConfig" | b"reasoningConfig" | b"schemaVersion" | b"toolConfig" => {
                self.nova = true;
            }
            b"inputText" => self.unread = true,
            b"prompt" => self.prompt = true,
            b"messages" => {
                self.talks = true;
                return reader.elements(|reader, _| {
                    self.nova |= has_bare_blocks(reader)?;
                    Ok(())
                });
            }
            name => self.others |= !llama::MEMBERS.iter().any(|it| it.as_bytes() == name),
        }
        reader.pass()
    }

    fn vendor(&self) -> Option<Vendor> {
        match *self {
            Self { messages: true, .. } => Some(Vendor::Messages),
            Self { unread: true, .. } => None,
            Self { prompt: true, talks: false, nova: false, others: false, .. } => {
                Some(Vendor::Llama)
            }
            Self { prompt: true, .. } | Self { talks: false, .. } => None,
            Self { nova: true, .. } => Some(Vendor::Nova),
            _ => Some(Vendor::Chat),
        }
    }
}

/// Passes over a message; whether a block of it does not say of what type it is.
fn has_bare_blocks(reader: &mut Reader<'_>) -> Result<bool, Error> {
    let mut bare = false;
    reader.members(|reader, key| {
        if !key.is("content") {
            return reader.pass();
        }
        reader.elements(|reader, _| {
            let mut typed = reader.kind()? != Kind::Object;
            reader.members(|reader, key| {
                typed |= key.is("type");
                reader.pass()
            })?;
            bare |= !typed;
            Ok(())
        })
    })?;
    Ok(bare)
}
