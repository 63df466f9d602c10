//! Fields of heads and trailers.

use http::HeaderMap;
use http::header::HeaderName;

/// Whether there is such a field, which there seldom is: compared, which costs less than to look it up.
pub(crate) fn has_field(fields: &HeaderMap, name: &HeaderName) -> bool {
    fields.keys().any(|present| present == name)
}

/// Takes fields out, few of which are there: names are compared, which costs less than to look each up.
pub(crate) fn remove_fields(fields: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        if has_field(fields, name) {
            fields.remove(name);
        }
    }
}
