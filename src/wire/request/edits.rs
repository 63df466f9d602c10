//! The edits of a request, and the one place where they are made.

use bytes::Bytes;

use super::{Place, Request, SettingPlace, SettingValue};
use crate::secret::opaque_debug;
use crate::wire::json::{Edit, splice};
use crate::wire::target::Target;

/// The edits of a request, by what they are made to.
#[derive(Default)]
pub struct Edits {
    /// Of the body.
    pub body: Vec<Edit>,
    /// Of the path, by places in the whole target.
    pub path: Vec<Edit>,
    /// Of the query, likewise.
    pub query: Vec<Edit>,
    /// Members that are added to the top level of the body. Which commas they need depends on all of
    /// them.
    added: Vec<(&'static str, String)>,
}

opaque_debug!(Edits, Edited);

/// A request after its edits.
pub struct Edited {
    /// The target that it goes to, if that is another than its own.
    pub target: Option<String>,
    /// The body.
    pub body: Bytes,
}

impl Edits {
    /// Has something else said at a place.
    pub fn set<'v>(&mut self, place: &Place, setting: impl Into<SettingValue<'v>>) {
        let spelled = setting.into().spelled(place);
        match place.clone() {
            Place::Body(span) => self.body.push(Edit::literal(span, spelled)),
            Place::Path(span) | Place::Segment(span) => {
                self.path.push(Edit::literal(span, spelled))
            }
            Place::Query(span) => self.query.push(Edit::literal(span, spelled)),
        }
    }

    /// Adds a setting that the body does not have. Those of the top level have to be
    /// [put together](Self::put_together).
    pub fn add<'v>(&mut self, place: SettingPlace, setting: impl Into<SettingValue<'v>>) {
        match place {
            SettingPlace::Member([name, inner @ ..]) => {
                let value = setting.into().in_body(inner);
                match self.added.iter_mut().find(|(other, _)| other == name) {
                    // Both are objects, or the one would be the other.
                    Some((_, object)) if object.ends_with('}') && value.starts_with('{') => {
                        object.pop();
                        object.push(',');
                        object.extend(value.chars().skip(1));
                    }
                    _ => self.added.push((name, value)),
                }
            }
            SettingPlace::Inside { at, empty, names: [name, inner @ ..] } => {
                // Only the last one of an object is followed by none.
                let before = self.body.iter_mut().rfind(|edit| edit.span == (at..at));
                before.filter(|_| empty).into_iter().for_each(|edit| edit.with.push(b','));
                let comma = if empty { "" } else { "," };
                let with = format!("\"{name}\":{}{comma}", setting.into().in_body(inner));
                self.body.push(Edit::literal(at..at, with));
            }
            SettingPlace::Instead { of: (start, end), names } => {
                self.body.push(Edit::literal(start..end, setting.into().in_body(names)));
            }
            SettingPlace::Nowhere | SettingPlace::Member([]) | SettingPlace::Inside { .. } => {}
        }
    }

    /// Puts the members that were added together in one edit, so many of the request's own being taken
    /// out.
    pub fn put_together(&mut self, request: &Request, removed: usize) {
        if !self.added.is_empty() {
            self.body.push(request.insert_all(&std::mem::take(&mut self.added), removed));
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.body.len() + self.path.len() + self.query.len() + self.added.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The request with them made. What nobody edits is what came.
    #[must_use]
    pub fn apply(self, target: &Target, body: Bytes) -> Edited {
        let Self { body: mut in_body, mut path, mut query, added: _ } = self;
        let body = if in_body.is_empty() { body } else { splice(&body, &mut in_body).into() };
        if path.is_empty() && query.is_empty() {
            return Edited { target: None, body };
        }
        let removes = query.iter().any(|edit| edit.with.is_empty());
        path.append(&mut query);
        let spliced = splice(target.as_str().as_bytes(), &mut path);
        let mut target = String::from_utf8_lossy(&spliced).into_owned();
        if removes {
            // The separators of what was last.
            target.truncate(target.trim_end_matches(['&', ';', '?']).len());
        }
        Edited { target: Some(target), body }
    }
}
