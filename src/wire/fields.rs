//! Fields of heads and trailers.

use http::HeaderMap;
use http::header::HeaderName;

/// Takes fields out, few of which are there: names are compared, which costs less than to look each up.
pub(crate) fn remove_fields(fields: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        if fields.keys().any(|present| present == name) {
            fields.remove(name);
        }
    }
}
