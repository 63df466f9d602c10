//! Reads sections and fields, and gathers what is wrong with any of them.
//!
//! `serde` stops at the first error, and a service that is started by a machine needs all of them
//! at once; so fields are asked for one by one. What was asked for is what is known, which is how
//! unknown fields, sections and environment variables are found without a second list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::error::{ConfigError, ConfigErrors};
use super::injected::is_injected;
use super::origin::Reading;
use super::setting::{Kind, Setting};
use crate::secret;

/// Every environment variable that begins so is a setting, or an error, but for those that Kubernetes
/// injects for a service of this name.
pub const ENVIRONMENT_PREFIX: &str = "GUILLOCHE_";

/// The variable of this prefix that is no setting: it names the file of the settings.
pub const PATH_VARIABLE: &str = "GUILLOCHE_CONFIG";

pub(super) struct Reader<'t> {
    name: &'t str,
    text: &'t str,
    /// The folder of the file, from which its relative paths lead.
    folder: &'t Path,
    root: DeTable<'t>,
    environment: BTreeMap<&'t str, &'t str>,
    /// Variables that look like settings and were put there by Kubernetes.
    injected: Vec<&'t str>,
    known: BTreeMap<&'static str, BTreeSet<&'static str>>,
    /// Where the fields that were read stood.
    places: BTreeMap<String, Place>,
    /// What they said.
    reading: Reading,
    errors: Vec<(usize, ConfigError)>,
    /// Whether the file is no TOML: what is missing then is not what its author left out.
    is_broken: bool,
    notices: Vec<String>,
}

/// A value as it was given, and where.
struct Given {
    kind: Option<Kind>,
    text: String,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Offset(usize),
    Variable(String),
}

impl<'t> Reader<'t> {
    /// Reads `text`, called `name` in errors. Of `environment` only the names that begin with
    /// [`ENVIRONMENT_PREFIX`] count.
    pub(super) fn new(
        name: &'t str,
        text: &'t str,
        environment: &'t BTreeMap<String, String>,
    ) -> Self {
        let (root, syntax) = DeTable::parse_recoverable(text);
        let ours = environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX) && *name != PATH_VARIABLE);
        let (injected, environment): (Vec<_>, BTreeMap<_, _>) = {
            let (injected, settings): (Vec<_>, Vec<_>) =
                ours.partition(|(name, value)| is_injected(name, value));
            (injected, settings.into_iter().collect())
        };
        let mut reader = Self {
            name,
            text,
            folder: Path::new(name).parent().unwrap_or(Path::new("")),
            root: root.into_inner(),
            environment,
            injected: injected.into_iter().map(|(name, _)| name).collect(),
            known: BTreeMap::new(),
            places: BTreeMap::new(),
            reading: Reading::default(),
            errors: Vec::new(),
            is_broken: !syntax.is_empty(),
            notices: Vec::new(),
        };
        for error in syntax {
            let offset = error.span().map_or(0, |span| span.start);
            reader.report(&Place::Offset(offset), None, error.message().to_owned());
        }
        reader
    }

    /// The field, or `default` when it is given nowhere or wrongly (which is then reported).
    pub(super) fn or<T: Setting>(
        &mut self,
        section: &'static str,
        field: &'static str,
        default: T,
    ) -> T {
        self.optional(section, field).unwrap_or(default)
    }

    /// The field, whose absence is an error.
    pub(super) fn required<T: Setting>(
        &mut self,
        section: &'static str,
        field: &'static str,
    ) -> Option<T> {
        let errors = self.errors.len();
        let value = self.optional(section, field);
        if value.is_none() && self.errors.len() == errors {
            self.wrong(section, field, format!("is required: {}", T::EXPECTED));
        }
        value
    }

    /// The field, if it is given.
    pub(super) fn optional<T: Setting>(
        &mut self,
        section: &'static str,
        field: &'static str,
    ) -> Option<T> {
        self.known.entry(section).or_default().insert(field);
        let Given { kind, text, place } = self.take(section, field)?;
        // A variable may write a list as the file does.
        let listed = kind.is_none() && T::KIND == Kind::List;
        let text = listed.then(|| list(&text)).flatten().unwrap_or(text);
        let value = if kind.is_none_or(|kind| T::KIND.takes(kind)) { T::read(&text) } else { None };
        if value.is_none() {
            let message = format!("expected {}", T::EXPECTED);
            self.report(&place, Some(format!("{section}.{field}")), message);
        }
        value
    }

    /// A field with the path of a file: from the folder of the configuration file if it stands
    /// there, from the working directory if a variable says it.
    pub(super) fn path(&mut self, section: &'static str, field: &'static str) -> Option<PathBuf> {
        let path: PathBuf = self.optional(section, field)?;
        Some(self.resolved(&format!("{section}.{field}"), path))
    }

    /// What a path in a field that was read leads to.
    pub(super) fn resolved(&mut self, field: &str, path: PathBuf) -> PathBuf {
        let path = match self.places.get(field) {
            Some(Place::Variable(_)) => path,
            _ => self.folder.join(path),
        };
        self.leads_to(field, &path);
        path
    }

    /// Notes a file that a field leads to, be it through another file.
    pub(super) fn leads_to(&mut self, field: &str, path: &Path) {
        self.reading.paths.entry(field.to_owned()).or_default().push(path.to_owned());
    }

    /// What was given, where, and the paths in it, by field.
    pub(super) fn reading(&mut self) -> Reading {
        let located = |(field, place): (&String, &Place)| (field.clone(), self.locate(place).1);
        let places = self.places.iter().map(located).collect();
        Reading { places, ..std::mem::take(&mut self.reading) }
    }

    /// Says that a file with a secret is open to others than its owner, if it is.
    pub(super) fn notice_mode(&mut self, section: &str, field: &str, path: &Path) {
        if let Some(mode) = secret::open_to_others(path) {
            let at = self.place(section, field);
            let path = path.display();
            self.notices.push(format!("{at}: {section}.{field}: {path}: {mode}"));
        }
    }

    /// What is worth knowing, though nothing is wrong with it.
    pub(super) fn notices(&mut self) -> Vec<String> {
        let mut notices = std::mem::take(&mut self.notices);
        if !self.injected.is_empty() {
            let names = self.injected.join(", ");
            notices.push(format!("ignored, as Kubernetes injects them for a service: {names}"));
        }
        notices
    }

    /// A field that may stand in the environment only, because it is a secret.
    pub(super) fn secret(&mut self, section: &'static str, field: &'static str) -> Option<String> {
        self.known.entry(section).or_default().insert(field);
        let Given { kind, text, place } = self.take(section, field)?;
        if kind.is_none() {
            return Some(text);
        }
        let message = format!(
            "is a secret and does not belong here: set {} instead, or name a file that holds it",
            variable(section, field)
        );
        self.report(&place, Some(format!("{section}.{field}")), message);
        None
    }

    /// A whole section, unless it is empty, whose fields are known to another room, read with `serde`. Of several errors
    /// in it only the first is found, and `hint` follows it. A variable `GUILLOCHE_<SECTION>_<FIELD>` sets a field of the
    /// section itself: as a TOML value if it is one, as a string otherwise.
    pub(super) fn embedded<T: DeserializeOwned>(
        &mut self,
        section: &'static str,
        hint: &str,
    ) -> Option<T> {
        self.known.entry(section).or_default();
        let prefix = variable(section, "");
        let mut table = self
            .root
            .remove(section)
            .unwrap_or_else(|| Spanned::new(0..0, DeValue::Table(DeTable::new())));
        let variables: Vec<&str> =
            self.environment.keys().filter(|name| name.starts_with(&prefix)).copied().collect();
        for name in &variables {
            let Some(text) = self.environment.remove(name) else { continue };
            let DeValue::Table(fields) = table.get_mut() else { continue };
            let field = name.trim_start_matches(&prefix).to_ascii_lowercase();
            let value = DeValue::parse(text)
                .unwrap_or_else(|_| Spanned::new(0..0, DeValue::String(text.into())));
            fields.remove(field.as_str());
            let variable = Place::Variable((*name).to_owned());
            note_places(
                &format!("{section}.{field}"),
                &value,
                &|_| variable.clone(),
                &mut self.places,
            );
            fields.insert(Spanned::new(0..0, field.into()), Spanned::new(0..0, value.into_inner()));
        }
        if let DeValue::Table(fields) = table.get_ref() {
            let given = fields.iter().filter(|(_, value)| value.span() != (0..0));
            for (field, value) in given {
                let field = format!("{section}.{}", field.get_ref());
                let offset = |value: &Spanned<DeValue<'_>>| Place::Offset(value.span().start);
                note_places(&field, value, &offset, &mut self.places);
            }
        }
        if matches!(table.get_ref(), DeValue::Table(fields) if fields.is_empty()) {
            return None;
        }
        match T::deserialize(table.into_deserializer()) {
            Ok(settings) => Some(settings),
            Err(error) => {
                let place = match error.span() {
                    Some(span) if span != (0..0) => Place::Offset(span.start),
                    _ => Place::Variable(variables.join(", ")),
                };
                let message = format!("{} ({hint})", error.message());
                self.report(&place, Some(section.to_owned()), message);
                None
            }
        }
    }

    /// Reports what was given in a section inside another and never asked for, and takes the section
    /// out, so that who reads the rest of the other does not find it there.
    pub(super) fn close(&mut self, outer: &'static str, inner: &'static str) {
        let Some(DeValue::Table(table)) = self.root.get_mut(outer).map(Spanned::get_mut) else {
            return;
        };
        let name = format!("{outer}.{inner}");
        let Some((key, value)) = table.remove_entry(inner) else { return };
        match value.into_inner() {
            DeValue::Table(left) => self.unknown_fields(&name, left),
            _ => {
                let message = "is a section, not a value".to_owned();
                self.report(&Place::Offset(key.span().start), Some(name), message);
            }
        }
    }

    /// Where a field that was read stood; empty if it was given nowhere.
    pub(super) fn place(&self, section: &str, field: &str) -> String {
        let place = self.places.get(&format!("{section}.{field}"));
        place.map(|place| self.locate(place).1).unwrap_or_default()
    }

    /// Reports a field that reads well but cannot be used.
    pub(super) fn wrong(&mut self, section: &str, field: &str, message: String) {
        let field = format!("{section}.{field}");
        let place = self.places.get(&field).cloned().unwrap_or(Place::Offset(usize::MAX));
        self.report(&place, Some(field), message);
    }

    /// Reports what is wrong in a file that a field names.
    pub(super) fn wrong_in(&mut self, section: &str, field: &str, error: ConfigError) {
        let place = self.places.get(&format!("{section}.{field}"));
        let order = place.map_or(usize::MAX, |place| self.locate(place).0);
        self.errors.push((order, error));
    }

    /// Reports what was given and never asked for, and returns all errors.
    pub(super) fn finish(mut self) -> Result<(), ConfigErrors> {
        let root = std::mem::take(&mut self.root);
        self.unknown_sections(root);
        for name in std::mem::take(&mut self.environment).into_keys() {
            let message =
                format!("names no setting: variables are {ENVIRONMENT_PREFIX}<SECTION>_<FIELD>");
            self.report(&Place::Variable(name.to_owned()), None, message);
        }
        self.finish_part()
    }

    /// Returns all errors of what was asked for, and leaves the rest to others.
    pub(super) fn finish_part(mut self) -> Result<(), ConfigErrors> {
        if self.errors.is_empty() {
            return Ok(());
        }
        if self.is_broken {
            self.errors.retain(|(_, error)| error.field.is_none());
        }
        self.errors.sort_by_key(|(offset, _)| *offset);
        Err(ConfigErrors(self.errors.into_iter().map(|(_, error)| error).collect()))
    }

    fn unknown_sections(&mut self, root: DeTable<'_>) {
        let sections: Vec<&str> = self.known.keys().copied().collect();
        for (name, value) in root {
            let place = Place::Offset(name.span().start);
            let name = name.into_inner();
            if !self.known.contains_key(name.as_ref()) {
                let message = format!("is no section; there are: {}", sections.join(", "));
                self.report(&place, Some(name.into_owned()), message);
                continue;
            }
            let DeValue::Table(unknown) = value.into_inner() else {
                let message = "is a section, not a value".to_owned();
                self.report(&place, Some(name.into_owned()), message);
                continue;
            };
            self.unknown_fields(&name, unknown);
        }
    }

    /// Reports what is left of a section.
    fn unknown_fields(&mut self, section: &str, left: DeTable<'_>) {
        let known = self.known.get(section);
        let fields: Vec<&str> = known.into_iter().flatten().copied().collect();
        let fields = fields.join(", ");
        for (field, _) in left {
            let place = Place::Offset(field.span().start);
            let name = format!("{section}.{}", field.get_ref());
            let message = format!("is no field; the section has: {fields}");
            self.report(&place, Some(name), message);
        }
    }

    /// Every field that was asked for so far, by section.
    pub(super) fn known(&self) -> Vec<(&'static str, &'static str)> {
        self.known
            .iter()
            .flat_map(|(section, fields)| fields.iter().map(|field| (*section, *field)))
            .collect()
    }

    /// The environment beats the file, whose value is then not looked at.
    fn take(&mut self, section: &str, field: &str) -> Option<Given> {
        let given = self.find(section, field)?;
        let name = format!("{section}.{field}");
        self.reading.said.insert(name.clone(), blake3::hash(given.text.as_bytes()));
        self.places.insert(name, given.place.clone());
        Some(given)
    }

    fn find(&mut self, section: &str, field: &str) -> Option<Given> {
        let mut table = Some(&mut self.root);
        for name in section.split('.') {
            let inner = table.and_then(|table| table.get_mut(name)).map(Spanned::get_mut);
            table = inner.and_then(|value| match value {
                DeValue::Table(table) => Some(table),
                _ => None,
            });
        }
        let in_file = table.and_then(|table| table.remove(field));
        let name = variable(section, field);
        if let Some(text) = self.environment.remove(name.as_str()) {
            return Some(Given { kind: None, text: text.to_owned(), place: Place::Variable(name) });
        }
        let value = in_file?;
        let place = Place::Offset(value.span().start);
        let (kind, text) = match value.into_inner() {
            DeValue::String(text) => (Some(Kind::Text), text.into_owned()),
            DeValue::Boolean(value) => (Some(Kind::Boolean), value.to_string()),
            DeValue::Integer(digits) => {
                let number = i128::from_str_radix(digits.as_str(), digits.radix());
                (Some(Kind::Integer), number.map_or_else(|_| String::new(), |it| it.to_string()))
            }
            DeValue::Float(digits) => (Some(Kind::Number), digits.as_str().to_owned()),
            DeValue::Array(elements) => (Some(Kind::List), joined(&elements)),
            // No setting is any of these: an empty text is refused by each that it could be.
            DeValue::Datetime(_) | DeValue::Table(_) => (Some(Kind::Integer), String::new()),
        };
        Some(Given { kind, text, place })
    }

    fn report(&mut self, place: &Place, field: Option<String>, message: String) {
        let (order, place) = self.locate(place);
        self.errors.push((order, ConfigError { place, field, message }));
    }

    /// A place among the errors, and in words.
    fn locate(&self, place: &Place) -> (usize, String) {
        match place {
            Place::Offset(usize::MAX) => (usize::MAX, self.name.to_owned()),
            Place::Offset(offset) => {
                let before = self.text.as_bytes().get(..*offset).unwrap_or_default();
                let line = memchr::memchr_iter(b'\n', before).count().saturating_add(1);
                (*offset, format!("{}:{line}", self.name))
            }
            Place::Variable(name) => (usize::MAX, format!("environment variable {name}")),
        }
    }
}

/// The elements of an array with commas between.
fn joined(elements: &DeArray<'_>) -> String {
    let texts = elements.iter().map(|element| match element.get_ref() {
        DeValue::String(text) => text.as_ref(),
        // No name is empty.
        _ => "",
    });
    texts.collect::<Vec<_>>().join(",")
}

/// The same of an array as TOML writes it.
fn list(text: &str) -> Option<String> {
    match DeValue::parse(text).ok()?.get_ref() {
        DeValue::Array(elements) => Some(joined(elements)),
        _ => None,
    }
}

/// Notes where a value stands, and what is in it.
fn note_places(
    field: &str,
    value: &Spanned<DeValue<'_>>,
    place: &impl Fn(&Spanned<DeValue<'_>>) -> Place,
    places: &mut BTreeMap<String, Place>,
) {
    places.insert(field.to_owned(), place(value));
    match value.get_ref() {
        DeValue::Table(table) => {
            for (name, value) in table {
                note_places(&format!("{field}.{}", name.get_ref()), value, place, places);
            }
        }
        DeValue::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                note_places(&format!("{field}[{index}]"), value, place, places);
            }
        }
        _ => {}
    }
}

/// The environment variable of a field.
pub(super) fn variable(section: &str, field: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{section}_{field}").replace('.', "_").to_ascii_uppercase()
}
