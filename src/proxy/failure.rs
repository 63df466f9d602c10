//! Answers that the proxy gives itself because the upstream could not, in the shape that the
//! client's library expects.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::json;

use super::family::Family;
use super::upstream::UpstreamError;

/// Why there is no answer of the upstream's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// 413: the request's body is larger than it may be.
    RequestTooLarge,
    /// 405: `CONNECT`, which asks for a tunnel.
    Tunnel,
    /// 502: no connection to the upstream, or none that lasted to the head of an answer.
    Upstream,
    /// 504: the upstream took too long to connect or to begin its answer.
    Timeout,
}

impl Failure {
    fn status(self) -> StatusCode {
        match self {
            Self::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Tunnel => StatusCode::METHOD_NOT_ALLOWED,
            Self::Upstream => StatusCode::BAD_GATEWAY,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::RequestTooLarge => "The request body is too large.",
            Self::Tunnel => "The method is not allowed.",
            Self::Upstream => "The model server could not be reached.",
            Self::Timeout => "The model server took too long to answer.",
        }
    }

    /// The `error.type` of Anthropic's API, and of `OpenAI`'s.
    fn types(self) -> (&'static str, &'static str) {
        match self {
            Self::RequestTooLarge => ("request_too_large", "invalid_request_error"),
            Self::Tunnel => ("invalid_request_error", "invalid_request_error"),
            Self::Upstream => ("api_error", "server_error"),
            Self::Timeout => ("timeout_error", "server_error"),
        }
    }

    /// The answer, in the shape of the family's errors.
    pub(super) fn response(self, family: Family) -> Response<Full<Bytes>> {
        let (anthropic, openai) = self.types();
        let message = self.message();
        let body = match family {
            Family::Messages => {
                json!({ "type": "error", "error": { "type": anthropic, "message": message } })
            }
            _ => json!({
                "error": { "message": message, "type": openai, "param": null, "code": null }
            }),
        };
        let mut response = Response::new(Full::from(body.to_string()));
        *response.status_mut() = self.status();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

impl From<&UpstreamError> for Failure {
    fn from(error: &UpstreamError) -> Self {
        match error {
            UpstreamError::RequestTooLarge => Self::RequestTooLarge,
            UpstreamError::ConnectTimeout
            | UpstreamError::FirstByteTimeout
            | UpstreamError::IdleTimeout
            | UpstreamError::TotalTimeout => Self::Timeout,
            UpstreamError::Connect(_)
            | UpstreamError::Exchange(_)
            | UpstreamError::Body(_)
            | UpstreamError::Address(_) => Self::Upstream,
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn shown(failure: Failure, family: Family) -> (u16, String) {
        let response = failure.response(family);
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn an_error_has_the_shape_of_its_family() {
        assert_eq!(
            shown(Failure::Timeout, Family::Messages).await,
            (504, r#"{"error":{"message":"The model server took too long to answer.","type":"timeout_error"},"type":"error"}"#.to_owned())
        );
        assert_eq!(
            shown(Failure::RequestTooLarge, Family::Chat).await,
            (413, r#"{"error":{"code":null,"message":"The request body is too large.","param":null,"type":"invalid_request_error"}}"#.to_owned())
        );
    }
}
