//! Objects inside a request of which a policy governs some members.

use super::lists::{closed_setting, is_closed};
use super::{AskedEffort, EffortSaid, Lists, Request, SettingPlace};
use crate::wire::governed::{OPTIONS, cap_named, governed_in, holder_named};
use crate::wire::json::{Edit, Error, Kind, Reader, fold};

/// The cap that is read in Ollama's object, whatever clients of gateways write there.
const NUM_PREDICT: &str = "num_predict";

impl Request {
    /// Notes what in the value of a member of the top level servers would read differently: a
    /// governed member that stands there twice, or under a name that differs in case only. So does an
    /// effort that few servers read there. Caps are noted as well, and settings that are not known.
    pub(super) fn inside(
        &mut self,
        name: &[u8],
        lists: &Lists,
        reader: &mut Reader<'_>,
    ) -> Result<(), Error> {
        let Some(outer) = holder_named(name).filter(|outer| lists.reads(outer)) else {
            return Ok(());
        };
        let own = lists.holders.contains(&outer);
        let (object, at) = (reader.kind()? == Kind::Object, reader.position() + 1);
        let mut empty = true;
        let mut seen: Vec<&str> = Vec::new();
        let span = reader.spanned(|reader| {
            reader.members(|reader, key| {
                empty = false;
                let name = String::from_utf8_lossy(&key.name()).into_owned();
                let folded = fold(&name);
                if outer == "thinking" && name == "effort" {
                    self.efforts.push(AskedEffort {
                        place: EffortSaid::Thinking,
                        ..AskedEffort::read(reader)?
                    });
                } else if let Some(cap) = cap_named(Some(outer), name.as_bytes()) {
                    let read = own && (outer != OPTIONS || cap == NUM_PREDICT);
                    self.output_cap(cap, !read, reader)?;
                } else {
                    let value = reader.skip()?;
                    let known = lists.settings.contains(&name.as_str());
                    let said = reader.bytes().get(value.clone()).unwrap_or_default();
                    if own && !known && !is_closed(&name, said) {
                        let closed = Edit::literal(value.clone(), closed_setting(&name, said));
                        self.unlisted_settings.push((name.clone(), closed));
                    }
                }
                if let Some(governed) = governed_in(outer, &folded) {
                    if governed != name || seen.contains(&governed) {
                        self.ambiguous = Some(format!("{outer}.{governed}"));
                    } else {
                        seen.push(governed);
                    }
                }
                Ok(())
            })
        })?;
        match self.output_cap_place {
            SettingPlace::Member([_, names @ ..]) if own && object => {
                self.output_cap_place = SettingPlace::Inside { at, empty, names };
            }
            SettingPlace::Member([_, names @ ..]) if own => {
                let of = (span.start, span.end);
                self.output_cap_place = SettingPlace::Instead { of, names };
            }
            _ => {}
        }
        Ok(())
    }
}
