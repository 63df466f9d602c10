//! Whose body it is, by its members.

use super::prompt::{FORMS, Form};
use super::{command_r, nova, prompt, texts, titan};
use crate::wire::chat::{Chat, response};
use crate::wire::converse::Converse;
use crate::wire::json::{Error, Kind, Reader};
use crate::wire::messages::Messages;
use crate::wire::{Carried, Protocol, Request, Said, Scan, Target};
use response::{Form as Whole, Texts};

/// What is wrong with a body that is nobody's.
const NOBODYS: Error = Error {
    at: 0,
    expected: "a body of Messages, Chat Completions, Nova, Titan, Command R, or a prompt",
};

/// A vendor whose requests are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    /// Anthropic.
    Messages,
    /// Those who take Chat Completions.
    Chat,
    /// Amazon: Converse, a stream's events each under its own name.
    Nova,
    /// Amazon, before: a text, and what goes on from it.
    Titan,
    /// Cohere: a message, and those before it.
    CommandR,
    /// A prompt, and the text that goes on from it.
    Prompt(&'static Form),
}

/// A vendor whose answers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// Anthropic.
    Messages,
    /// Those who answer with choices.
    Choices,
    /// Amazon.
    Nova,
    /// Cohere.
    CommandR,
    /// Those who answer with texts.
    Texts,
}

impl Asked {
    /// Whose request this is, to a model of this name.
    pub(super) fn of(model: Option<&str>, body: &[u8]) -> Result<Self, Error> {
        let mut found = Members::default();
        Reader::new(body)
            .document(|reader| reader.object(|reader, key| found.read(reader, &key.name())))?;
        found.vendor(model.unwrap_or_default()).ok_or(NOBODYS)
    }

    pub(super) fn scan_request(self, target: Target, body: &[u8]) -> Result<Request, Error> {
        match self {
            Self::Messages => Messages.scan_request(target, body),
            Self::Chat => Chat.scan_request(target, body),
            Self::Nova => nova::scan_request(target, body),
            Self::Titan => titan::scan_request(target, body),
            Self::CommandR => command_r::scan_request(target, body),
            Self::Prompt(form) => prompt::scan_request(form, target, body),
        }
    }

    pub(super) fn scan_history(self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
        match self {
            Self::Messages => Messages.scan_history(body, each),
            Self::Chat => Chat.scan_history(body, each),
            Self::Nova => Converse.scan_history(body, each),
            Self::Titan => titan::scan_history(body, each),
            Self::CommandR => command_r::scan_history(body, each),
            Self::Prompt(_) => prompt::scan_history(body, each),
        }
    }

    pub(super) fn scan_opening(self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
        match self {
            Self::Messages => Messages.scan_opening(body, each),
            Self::Chat => Chat.scan_opening(body, each),
            Self::Nova => Converse.scan_opening(body, each),
            // Nothing sealed comes back in these.
            Self::Titan | Self::CommandR | Self::Prompt(_) => self.scan_history(body, each),
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
            Self::Titan | Self::CommandR | Self::Prompt(_) => Ok(()),
        }
    }
}

impl Answered {
    /// Whose answer, whole or an event of it.
    pub(super) fn of(body: &[u8]) -> Result<Self, Error> {
        let (mut found, mut several, mut text) = (None, false, false);
        Reader::new(body).document(|reader| {
            reader.object(|reader, key| {
                let vendor = match &*key.name() {
                    b"choices" => Some(Self::Choices),
                    b"output" => Some(Self::Nova),
                    b"event_type" | b"response_id" => Some(Self::CommandR),
                    // Of a model of embeddings: the client asked for no text.
                    b"embedding" => return Err(NOBODYS),
                    name if texts::is_text(name) => Some(Self::Texts),
                    name if nova::is_event(name) => Some(Self::Nova),
                    name => {
                        text |= matches!(name, b"text" | b"is_finished");
                        None
                    }
                };
                several |= vendor.is_some() && found.is_some_and(|it| Some(it) != vendor);
                found = found.or(vendor);
                reader.pass()
            })
        })?;
        // Clients would each read their own.
        if several {
            return Err(NOBODYS);
        }
        // A piece of Command's says nothing else.
        Ok(found.unwrap_or(if text { Self::Texts } else { Self::Messages }))
    }

    pub(super) fn scan_event(
        self,
        kind: Option<&[u8]>,
        payload: &[u8],
        scan: &mut Scan,
    ) -> Result<(), Error> {
        match self {
            Self::Messages => Messages.scan_event(kind, payload, scan),
            Self::Choices => {
                says_why(scan, |scan| response::scan(payload, (Whole::Chunk, Texts::Invoked), scan))
            }
            Self::Nova => nova::scan_event(payload, scan),
            Self::CommandR => says_why(scan, |scan| command_r::scan(payload, false, scan)),
            Self::Texts => says_why(scan, |scan| texts::scan(payload, false, scan)),
        }
    }

    pub(super) fn scan_document(self, document: &[u8], scan: &mut Scan) -> Result<(), Error> {
        match self {
            Self::Messages => Messages.scan_document(document, scan),
            Self::Choices => response::scan(document, (Whole::Document, Texts::Invoked), scan),
            Self::Nova => Converse.scan_document(document, scan),
            Self::CommandR => command_r::scan(document, true, scan),
            Self::Texts => texts::scan(document, true, scan),
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
struct Members {
    /// One that only Anthropic's has.
    anthropic: bool,
    /// There are messages.
    talks: bool,
    /// One that only Nova's has, or blocks without a type, as Converse has them.
    nova: bool,
    /// What each of the vendors asks with who have no messages.
    text: bool,
    message: bool,
    prompt: bool,
    /// One that they have not, each of them.
    no_titan: bool,
    no_command_r: bool,
    no_form: [bool; FORMS.len()],
}

impl Members {
    fn read(&mut self, reader: &mut Reader<'_>, name: &[u8]) -> Result<(), Error> {
        let lacks = |members: &[&str]| !members.iter().any(|it| it.as_bytes() == name);
        match name {
            b"prompt" => self.prompt = true,
            b"inputText" => self.text = true,
            b"message" => self.message = true,
            b"messages" => {
                self.talks = true;
                return reader.elements(|reader, _| {
                    self.nova |= has_bare_blocks(reader)?;
                    Ok(())
                });
            }
            name => {
                self.anthropic |= name == b"anthropic_version";
                self.nova |= matches!(
                    name,
                    b"inferenceConfig" | b"reasoningConfig" | b"schemaVersion" | b"toolConfig"
                );
                self.no_titan |= lacks(&titan::MEMBERS);
                self.no_command_r |= command_r::beside().all(|it| it.as_bytes() != name);
                for (no, form) in self.no_form.iter_mut().zip(&FORMS) {
                    *no |= lacks(form.members);
                }
            }
        }
        reader.pass()
    }

    fn vendor(&self, model: &str) -> Option<Asked> {
        // Of a body that one vendor would read by one of them, and another by another, nobody says whose it is.
        let asked = [self.talks, self.text, self.message, self.prompt];
        if asked.iter().filter(|asked| **asked).count() != 1 {
            // Anthropic's codec says what is wrong with it.
            return self.anthropic.then_some(Asked::Messages);
        }
        // Models of embeddings take the same text, and answer with none.
        let titan = self.text && !self.no_titan && !model.contains("embed");
        match *self {
            Self { prompt: true, .. } => self.form(model).map(Asked::Prompt),
            Self { text: true, .. } => titan.then_some(Asked::Titan),
            Self { message: true, no_command_r, .. } => (!no_command_r).then_some(Asked::CommandR),
            Self { anthropic: true, .. } => Some(Asked::Messages),
            Self { nova: true, .. } => Some(Asked::Nova),
            _ => Some(Asked::Chat),
        }
    }

    /// Whose prompt it is: that of the model's vendor, if it has nothing that this one's has not.
    fn form(&self, model: &str) -> Option<&'static Form> {
        let fits = || FORMS.iter().zip(self.no_form).filter(|(_, no)| !no).map(|(form, _)| form);
        let own = |form: &&Form| form.vendors.iter().any(|vendor| model.contains(vendor));
        fits().find(own).or_else(|| fits().next())
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
