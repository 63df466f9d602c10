//! Refused requests, in the shape of the vendor whose protocol they came in.

use http::{HeaderValue, Response, StatusCode, header};

use super::ordered::{Json, object};
use crate::teacher::body::TeacherBody;

/// Whose error format is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    OpenAi,
    Anthropic,
    Ollama,
    Google,
    Amazon,
    LlamaCpp,
    Tgi,
    Cohere,
    Mistral,
}

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("We could not parse the JSON body of your request.")]
    Malformed,
    #[error("{message}")]
    Invalid { param: String, message: String },
    #[error("The model `{0}` does not exist or you do not have access to it.")]
    UnknownModel(String),
    #[error("Incorrect API key provided.")]
    Unauthorized,
    #[error("Request exceeds the maximum size")]
    TooLarge,
    #[error("Unknown request URL. Please check the URL for typos.")]
    UnknownPath,
    #[error("Method not allowed.")]
    WrongMethod,
    #[error("Rate limit reached for requests.")]
    RateLimited,
    #[error("The server had an error while processing your request.")]
    ServerError,
    #[error("Overloaded")]
    Overloaded,
}

impl Refusal {
    pub(crate) fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { param: param.into(), message: message.into() }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Malformed | Self::Invalid { .. } => 400,
            Self::Unauthorized => 401,
            Self::UnknownModel(_) | Self::UnknownPath => 404,
            Self::WrongMethod => 405,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::ServerError => 500,
            Self::Overloaded => 529,
        }
    }

    fn openai_kind(&self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Malformed | Self::TooLarge | Self::UnknownPath | Self::WrongMethod => {
                ("invalid_request_error", None)
            }
            Self::Invalid { .. } => ("invalid_request_error", Some("invalid_value")),
            Self::UnknownModel(_) => ("invalid_request_error", Some("model_not_found")),
            Self::Unauthorized => ("invalid_request_error", Some("invalid_api_key")),
            Self::RateLimited => ("requests", Some("rate_limit_exceeded")),
            Self::ServerError => ("server_error", None),
            Self::Overloaded => ("server_error", Some("overloaded")),
        }
    }

    fn anthropic_kind(&self) -> &'static str {
        match self {
            Self::Malformed | Self::Invalid { .. } | Self::WrongMethod => "invalid_request_error",
            Self::Unauthorized => "authentication_error",
            Self::UnknownModel(_) | Self::UnknownPath => "not_found_error",
            Self::TooLarge => "request_too_large",
            Self::RateLimited => "rate_limit_error",
            Self::ServerError => "api_error",
            Self::Overloaded => "overloaded_error",
        }
    }

    fn amazon_kind(&self) -> &'static str {
        match self {
            Self::Malformed | Self::Invalid { .. } | Self::TooLarge | Self::WrongMethod => {
                "ValidationException"
            }
            Self::Unauthorized => "UnrecognizedClientException",
            Self::UnknownModel(_) | Self::UnknownPath => "ResourceNotFoundException",
            Self::RateLimited => "ThrottlingException",
            Self::ServerError => "InternalServerException",
            Self::Overloaded => "ServiceUnavailableException",
        }
    }

    /// The error document.
    pub(crate) fn document(&self, vendor: Vendor, request: &str) -> Json {
        let param = match self {
            Self::Invalid { param, .. } => Some(param.clone()),
            Self::UnknownModel(_) => Some("model".to_owned()),
            _ => None,
        };
        match vendor {
            Vendor::OpenAi => {
                let (kind, code) = self.openai_kind();
                let error = object! {
                    "message" => self.to_string(), "type" => kind, "param" => param, "code" => code.map(str::to_owned),
                };
                object! { "error" => error }
            }
            Vendor::Anthropic => {
                let message = match self {
                    Self::Unauthorized => "invalid x-api-key".to_owned(),
                    Self::UnknownModel(model) => format!("model: {model}"),
                    Self::UnknownPath => "Not Found".to_owned(),
                    Self::Invalid { param, message } if !param.is_empty() => {
                        format!("{param}: {message}")
                    }
                    other => other.to_string(),
                };
                let error = object! { "type" => self.anthropic_kind(), "message" => message };
                object! { "type" => "error", "error" => error, "request_id" => request }
            }
            Vendor::Google => {
                let status = match self.status() {
                    400 | 413 => "INVALID_ARGUMENT",
                    401 => "UNAUTHENTICATED",
                    404 | 405 => "NOT_FOUND",
                    429 => "RESOURCE_EXHAUSTED",
                    529 => "UNAVAILABLE",
                    _ => "INTERNAL",
                };
                let code = if *self == Self::Overloaded { 503 } else { u64::from(self.status()) };
                let error = object! {
                    "code" => code, "message" => self.to_string(), "status" => status,
                };
                object! { "error" => error }
            }
            Vendor::Amazon => object! { "message" => self.to_string() },
            Vendor::LlamaCpp => {
                let (code, kind) = match self.status() {
                    429 | 529 => (503, "unavailable_error"),
                    500 => (500, "server_error"),
                    401 => (401, "authentication_error"),
                    404 | 405 => (404, "not_found_error"),
                    other => (u64::from(other), "invalid_request_error"),
                };
                let error = object! {
                    "code" => code, "message" => self.to_string(), "type" => kind,
                };
                object! { "error" => error }
            }
            Vendor::Mistral => match self {
                Self::Invalid { param, message } => {
                    let detail = object! {
                        "type" => "value_error", "loc" => vec![Json::Leaf("body".into()), Json::Leaf(param.as_str().into())],
                        "msg" => message.clone(), "input" => Json::Leaf(serde_json::Value::Null),
                    };
                    object! { "detail" => vec![detail] }
                }
                other => object! {
                    "object" => "error", "message" => other.to_string(),
                    "type" => other.openai_kind().0, "param" => Json::Leaf(serde_json::Value::Null), "code" => u64::from(self.status()),
                },
            },
            Vendor::Cohere => object! { "id" => request, "message" => self.to_string() },
            Vendor::Tgi => {
                let kind = match self.status() {
                    429 | 529 => "overloaded",
                    500 => "generation",
                    _ => "validation",
                };
                object! { "error" => self.to_string(), "error_type" => kind }
            }
            Vendor::Ollama => {
                let message = match self {
                    Self::UnknownModel(model) => format!("model '{model}' not found"),
                    other => other.to_string(),
                };
                object! { "error" => message }
            }
        }
    }

    /// The whole response.
    pub(crate) fn response(&self, vendor: Vendor, request: &str) -> Response<TeacherBody> {
        let mut response = Response::new(TeacherBody::whole(self.document(vendor, request).text()));
        let invalid = vendor == Vendor::Mistral && matches!(self, Self::Invalid { .. });
        let status = if invalid { 422 } else { self.status() };
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if vendor == Vendor::Amazon {
            headers.insert("x-amzn-errortype", HeaderValue::from_static(self.amazon_kind()));
        }
        if matches!(self, Self::RateLimited | Self::Overloaded) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
