//! Objects inside a request of which a policy governs some members.

use super::{AskedEffort, EffortSaid, Lists, Request, SettingPlace};
use crate::wire::governed::{cap_named, governed_in, holder_named};
use crate::wire::json::{Error, Kind, Reader, fold};

impl Request {
    /// Notes what in the value of a member of the top level servers would read differently: a
    /// governed member that stands there twice, or under a name that differs in case only. So does an
    /// effort that few servers read there. Caps are noted as well.
    pub(super) fn inside(
        &mut self,
        name: &[u8],
        lists: &Lists,
        reader: &mut Reader<'_>,
    ) -> Result<(), Error> {
        let Some(outer) = holder_named(name).filter(|outer| lists.reads(outer)) else {
            return Ok(());
        };
        let own = lists.holder == Some(outer);
        let (object, at) = (reader.kind()? == Kind::Object, reader.position() + 1);
        let mut empty = true;
        let mut seen: Vec<&str> = Vec::new();
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
                self.output_cap(cap, !own, reader)?;
            } else {
                reader.pass()?;
            }
            if let Some(governed) = governed_in(outer, &folded) {
                if governed != name || seen.contains(&governed) {
                    self.ambiguous = Some(format!("{outer}.{governed}"));
                } else {
                    seen.push(governed);
                }
            }
            Ok(())
        })?;
        match self.output_cap_place {
            SettingPlace::Member([_, names @ ..]) if own && object => {
                self.output_cap_place = SettingPlace::Inside { at, empty, names };
            }
            _ => {}
        }
        Ok(())
    }
}
