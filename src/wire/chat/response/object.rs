//! Objects whose members are known by name.

use crate::wire::json::{Error, Kind, Reader};
use crate::wire::listed::Listed;
use crate::wire::scan::{Scan, Twice};

/// An object each of whose members comes once.
pub(super) fn object(
    reader: &mut Reader<'_>,
    name: &[u8],
    scan: &mut Scan,
    mut member: impl FnMut(&mut Reader<'_>, &[u8], &mut Scan) -> Result<(), Error>,
) -> Result<(), Error> {
    if !scan.expects(Kind::Object, reader, name)? {
        return Ok(());
    }
    let mut twice = Twice::default();
    reader.members(|reader, key| {
        let name = key.name();
        scan.once_only(&mut twice, &name);
        member(reader, &name, scan)
    })
}

/// An object of listed members, which its event says once.
pub(super) fn listed_object(
    reader: &mut Reader<'_>,
    name: &[u8],
    list: &[Listed],
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(Kind::Object, reader, name)? {
        return Ok(());
    }
    scan.once(reader, |scan, reader| {
        reader.members(|reader, key| scan.listed(reader, list, &key.name()))
    })
}
