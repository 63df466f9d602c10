//! `[upstream]`: where requests go, and what they are signed with.

use std::time::Duration;

use super::Limits;
use super::carriers::Name;
use super::reader::Reader;
use super::setting::BaseUrl;
use crate::upstream::{self, Credentials, Signer, region_of_host};
use crate::wire::ServerKind;

const SECTION: &str = "upstream";

/// The settings, if there is an address, and what signs the requests, if something does.
pub(super) fn read(
    reader: &mut Reader<'_>,
    limits: &Limits,
) -> (Option<upstream::Settings>, Option<Signer>) {
    let seconds = Duration::from_secs;
    let url = reader.required(SECTION, "url").map(|BaseUrl(url)| url);
    let kind: Option<ServerKind> = reader.optional(SECTION, "kind");
    let ca_file = reader.path(SECTION, "ca_file");
    let connect_timeout = reader.or(SECTION, "connect_timeout", seconds(5));
    let first_byte_timeout = reader.or(SECTION, "first_byte_timeout", seconds(600));
    let idle_timeout = reader.or(SECTION, "idle_timeout", seconds(300));
    let total_timeout = reader.or(SECTION, "total_timeout", seconds(3600));
    let max_idle_connections: u32 = reader.or(SECTION, "max_idle_connections", 256);
    let http2 = reader.or(SECTION, "http2", false);
    let host = url.as_ref().and_then(|url| url.host().map(str::to_owned));
    let kind = kind.or_else(|| ServerKind::of_host(host.as_deref()?)).unwrap_or_default();
    let signer = signer(reader, kind, host.as_deref(), limits.max_held);
    let settings = url.map(|url| upstream::Settings {
        url,
        kind,
        ca_file,
        connect_timeout,
        first_byte_timeout,
        idle_timeout,
        total_timeout,
        max_idle_connections: usize::try_from(max_idle_connections).unwrap_or(usize::MAX),
        http2,
    });
    (settings, signer)
}

/// What signs requests anew: with a key that is given, or one that is read from a file again when it changes.
fn signer(
    reader: &mut Reader<'_>,
    kind: ServerKind,
    host: Option<&str>,
    held: usize,
) -> Option<Signer> {
    let region = reader.optional(SECTION, "region").map(|Name(region)| region);
    let file = reader.path(SECTION, "credentials_file");
    let id = reader.optional(SECTION, "access_key_id").map(|Name(id)| id);
    let secret = reader.secret(SECTION, "secret_access_key");
    let token = reader.secret(SECTION, "session_token");
    let given = [
        ("credentials_file", file.is_some()),
        ("access_key_id", id.is_some()),
        ("secret_access_key", secret.is_some()),
        ("session_token", token.is_some()),
    ];
    let (field, _) = given.into_iter().find(|(_, given)| *given)?;
    if kind != ServerKind::Bedrock {
        let message = "signs requests to Amazon Bedrock: the kind has to be \"bedrock\"";
        reader.wrong(SECTION, field, message.to_owned());
        return None;
    }
    let Some(region) = region.or_else(|| host.and_then(region_of_host).map(str::to_owned)) else {
        let message = "needs a region, which the host does not tell: set upstream.region";
        reader.wrong(SECTION, field, message.to_owned());
        return None;
    };
    match (file, id, secret) {
        (Some(file), None, None) => {
            reader.notice_mode(SECTION, "credentials_file", &file);
            let signer = Signer::of_file(file, &region, held);
            signer
                .map_err(|error| reader.wrong(SECTION, "credentials_file", error.to_string()))
                .ok()
        }
        (None, Some(id), Some(secret)) => {
            Some(Signer::new(Credentials::new(id, secret, token), &region, held))
        }
        _ => {
            let message = "credentials are a file, or access_key_id and secret_access_key together";
            reader.wrong(SECTION, field, message.to_owned());
            None
        }
    }
}
