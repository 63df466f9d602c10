//! Signing requests anew.
//!
//! AWS signs the path and the body of a request, so that one which is changed on its way has to be signed again by
//! whoever changes it. With credentials of its own the proxy signs all that it sends; what the client signed with
//! does not reach the upstream, and whom to let in is for something in front of the proxy to say.

mod credentials;
mod sigv4;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Uri, request};
use http_body::Body;
use http_body_util::BodyExt;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::BoxError;
use crate::secret::opaque_debug;
use credentials::Source;
pub use credentials::{Credentials, CredentialsError};
use sigv4::{Request, Scope};

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const DIGEST: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// The service that signatures are for.
const SERVICE: &str = "bedrock";

/// How many bytes of room are taken at a time.
const UNIT: usize = 4096;

/// Signs requests to Amazon Bedrock. Clones share their credentials and their room.
#[derive(Clone)]
pub struct Signer {
    source: Arc<Source>,
    region: Arc<str>,
    /// The most bytes of all bodies together that wait to be signed, in units.
    room: Arc<Semaphore>,
}

opaque_debug!(Signer);

/// A body that is all there, and the room that it takes.
pub(super) struct Collected {
    pub(super) bytes: Bytes,
    pub(super) room: OwnedSemaphorePermit,
}

/// A request cannot be signed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SigningError {
    #[error("there is no room to hold the request's body until it is signed")]
    NoRoom,
    #[error("the request's body broke off")]
    Body(#[source] BoxError),
    #[error("a field of the request cannot be signed")]
    Field,
}

impl Signer {
    /// A signer with these credentials for a region; of bodies that wait to be signed it holds so many bytes.
    #[must_use]
    pub fn new(credentials: Credentials, region: &str, held: usize) -> Self {
        Self::with(Source::Given(credentials), region, held)
    }

    /// The same with the credentials of a file, which is read again when it changes.
    ///
    /// # Errors
    /// The file cannot be read, or has no credentials.
    pub fn of_file(file: PathBuf, region: &str, held: usize) -> Result<Self, CredentialsError> {
        Ok(Self::with(Source::file(file)?, region, held))
    }

    fn with(source: Source, region: &str, held: usize) -> Self {
        let units = (held / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(units));
        Self { source: Arc::new(source), region: region.into(), room }
    }

    /// Takes in a body: a signature stands before it and depends on all of it.
    pub(super) async fn collect<B>(&self, body: B) -> Result<Collected, SigningError>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let mut body = std::pin::pin!(body);
        let take = |bytes: usize| {
            let units = u32::try_from(bytes.div_ceil(UNIT)).map_err(|_| SigningError::NoRoom)?;
            let room = Arc::clone(&self.room).try_acquire_many_owned(units);
            room.map_err(|_| SigningError::NoRoom)
        };
        let mut room = take(1)?;
        let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| SigningError::Body(error.into()))?;
            // What a client sends behind a body is no part of it.
            let Ok(data) = frame.into_data() else { continue };
            let length = first.len() + rest.len() + data.len();
            let more = length.saturating_sub(room.num_permits() * UNIT);
            if more > 0 {
                room.merge(take(more)?);
            }
            if first.is_empty() {
                first = data;
            } else {
                rest.extend_from_slice(&data);
            }
        }
        let bytes =
            if rest.is_empty() { first } else { [first.as_ref(), rest.as_ref()].concat().into() };
        Ok(Collected { bytes, room })
    }

    /// Signs a request that goes to `address`, at a time.
    pub(super) fn sign(
        &self,
        head: &mut request::Parts,
        address: &Uri,
        body: &[u8],
        time: Timestamp,
    ) -> Result<(), SigningError> {
        let credentials = self.source.current();
        for name in [AUTHORIZATION, DATE, TOKEN, DIGEST] {
            head.headers.remove(name);
        }
        let date = sigv4::date(time);
        let host = host(address).ok_or(SigningError::Field)?;
        let mut fields = Vec::new();
        if let Some(kind) = head.headers.get(CONTENT_TYPE) {
            let kind = kind.to_str().map_err(|_| SigningError::Field)?;
            fields.push((CONTENT_TYPE.as_str().to_owned(), kind.to_owned()));
        }
        fields.push(("host".to_owned(), host));
        fields.push((DATE.as_str().to_owned(), date.clone()));
        let token = credentials.session_token();
        fields.extend(token.map(|token| (TOKEN.as_str().to_owned(), token.to_owned())));
        let borrowed: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = Request {
            method: &head.method,
            path: address.path(),
            query: address.query(),
            fields: &borrowed,
            body,
        };
        let scope = Scope { region: &self.region, service: SERVICE };
        let authorization = sigv4::authorization(&credentials, &scope, &date, &request);
        let told =
            [(AUTHORIZATION, Some(authorization.as_str())), (DATE, Some(&*date)), (TOKEN, token)];
        for (name, value) in told {
            let Some(value) = value else { continue };
            let mut value = HeaderValue::from_str(value).map_err(|_| SigningError::Field)?;
            value.set_sensitive(name != DATE);
            head.headers.insert(name, value);
        }
        Ok(())
    }
}

/// The host as the client names it: with its port where that is not the scheme's own.
fn host(address: &Uri) -> Option<String> {
    let host = address.host()?;
    let usual = if address.scheme_str() == Some("https") { 443 } else { 80 };
    Some(match address.port_u16().filter(|port| *port != usual) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// The region that a host of Amazon Bedrock's is in: `bedrock-runtime.REGION.amazonaws.com`.
#[must_use]
pub fn region_of_host(host: &str) -> Option<&str> {
    let mut parts = host.split('.');
    let runtime = matches!(parts.next()?, "bedrock-runtime" | "bedrock-runtime-fips");
    let region = parts.next().filter(|_| runtime)?;
    (parts.next()? == "amazonaws").then_some(region)
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    fn signer(held: usize) -> Signer {
        Signer::new(Credentials::new("AKID", "secret", Some("token".to_owned())), "eu-west-1", held)
    }

    // Break it: leave what the client signed with, or sign a host that is not sent.
    #[test]
    fn what_a_client_signed_with_gives_way() {
        let request = http::Request::post("/model/m/converse")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=CLIENT/x")
            .header("x-amz-security-token", "client")
            .header("x-amz-content-sha256", "client")
            .header("content-type", "application/json");
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        let address: Uri = "http://127.0.0.1:8001/base/model/m/converse".parse().unwrap();
        signer(1).sign(&mut head, &address, b"{}", Timestamp::UNIX_EPOCH).unwrap();
        let said: Vec<String> =
            head.headers.values().map(|it| it.to_str().unwrap().to_owned()).collect();
        assert!(!said.iter().any(|it| it.to_lowercase().contains("client")), "{said:?}");
        assert_eq!(head.headers["x-amz-security-token"], "token");
        let authorization = head.headers["authorization"].to_str().unwrap();
        assert!(authorization.starts_with(
            "AWS4-HMAC-SHA256 Credential=AKID/19700101/eu-west-1/bedrock/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature="
        ));
        assert!(!format!("{:?} {:?}", head.headers, signer(1)).contains("secret"));
    }

    #[tokio::test]
    async fn bodies_that_wait_have_one_bound() {
        let signer = signer(4 * UNIT);
        let first = signer.collect(Full::from(vec![1; 3 * UNIT])).await.unwrap();
        assert_eq!((first.bytes.len(), first.room.num_permits()), (3 * UNIT, 3));
        let second = signer.collect(Full::from(vec![1; UNIT + 1])).await;
        assert!(matches!(second, Err(SigningError::NoRoom)));
        drop(first);
        assert!(signer.collect(Full::from(vec![1; 4 * UNIT])).await.is_ok());
        assert!(signer.collect(Full::from(vec![1; 4 * UNIT + 1])).await.is_err());
    }

    #[test]
    fn a_region_is_known_by_the_host() {
        let of = region_of_host;
        assert_eq!(of("bedrock-runtime.us-east-1.amazonaws.com"), Some("us-east-1"));
        assert_eq!(of("bedrock-runtime-fips.us-gov-west-1.amazonaws.com"), Some("us-gov-west-1"));
        assert_eq!(of("bedrock-runtime.cn-north-1.amazonaws.com.cn"), Some("cn-north-1"));
        assert_eq!(of("bedrock-runtime.us-east-1.example"), None);
        assert_eq!(of("127.0.0.1"), None);
    }
}
