//! The models that an upstream lists.
//!
//! Every page of them, as the vendors page: OpenAI and those after it in one, Anthropic by
//! `after_id`, Cohere by `page_token`, Google by `pageToken`. The upstream is somebody else's, so its
//! list is bounded in time, pages and bytes, and one that does not fit is an error rather than half a
//! list: what was left out would look covered.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::time::timeout;
use tower_service::Service;

use super::super::{Failure, secrets};
use crate::upstream::{BoxError, TlsError, Upstream, own};

/// For the whole list.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of one page.
const LONGEST_PAGE: usize = 8 << 20;

const MOST_PAGES: usize = 200;

const MOST_MODELS: usize = 20_000;

/// Bytes of a model's name or a cursor.
const LONGEST_NAME: usize = 1024;

/// Where lists are. The address of the upstream may hold the version.
const PLACES: [&str; 2] = ["/v1/models", "/models"];

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

#[derive(Debug, Args)]
#[command(next_help_heading = "Models of an upstream")]
pub(in crate::cli) struct ModelsArguments {
    /// Ask this upstream for its models, and point at those that the policies leave out
    #[arg(long, value_name = "URL")]
    upstream: Option<Uri>,
    /// Environment variable with its API key
    #[arg(long, value_name = "VARIABLE", requires = "upstream")]
    api_key_env: Option<String>,
    /// File with its API key instead
    #[arg(long, value_name = "FILE", requires = "upstream", conflicts_with = "api_key_env")]
    api_key_file: Option<PathBuf>,
    /// Certificates to trust besides those of the system (PEM)
    #[arg(long, value_name = "FILE", requires = "upstream")]
    ca_file: Option<PathBuf>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
enum ListError {
    #[error("--upstream: the upstream is an http or https address without a name and password")]
    Address,
    #[error("an API key has printable ASCII characters on one line")]
    ApiKey,
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the upstream cannot be asked for its models: {0}")]
    Exchange(String),
    #[error("the upstream's list of models took longer than {} s", PATIENCE.as_secs())]
    TooSlow,
    #[error("the upstream answers {path} with status {status}{advice}")]
    Status { path: String, status: StatusCode, advice: &'static str },
    #[error("what the upstream answers {0} is no list of models")]
    NoList(String),
    #[error(
        "the upstream's list of models does not end, or has more than {MOST_MODELS} models or \
         {MOST_PAGES} pages"
    )]
    Endless,
    #[error("the upstream lists no model")]
    Empty,
}

impl ModelsArguments {
    /// The models, if they are asked for.
    pub(in crate::cli) fn list(&self) -> Result<Option<Vec<String>>, Failure> {
        let Self { upstream, api_key_env, api_key_file, ca_file } = self;
        let Some(url) = upstream else { return Ok(None) };
        let key = match (api_key_env, api_key_file) {
            (Some(variable), _) => Some(secrets::from_environment(variable)?),
            (None, Some(file)) => Some(secrets::from_file(file)?),
            (None, None) => None,
        };
        let settings = own::settings(url.clone(), ca_file.clone(), PATIENCE, 1);
        let settings = settings.ok_or(ListError::Address)?;
        let ways = Way::of(key.as_ref().map(|key| key.trim()))?;
        // One thread: requests follow each other.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let models = runtime.block_on(async {
            let upstream = Upstream::new(&settings, 64 << 10)?;
            let listing = Listing { upstream }.all(ways);
            timeout(PATIENCE, listing).await.unwrap_or(Err(ListError::TooSlow))
        });
        let models = models.map_err(|error| format!("--upstream {url}: {error}"))?;
        Ok(Some(models))
    }
}

/// How a key is shown.
#[derive(Clone, Debug)]
enum Way {
    NoKey,
    Bearer(HeaderValue),
    /// As Anthropic wants it.
    ApiKey(HeaderValue),
}

impl Way {
    /// In the order in which they are tried.
    fn of(key: Option<&str>) -> Result<Vec<Self>, ListError> {
        let Some(key) = key else { return Ok(vec![Self::NoKey]) };
        let bearer = own::bearer(key).map_err(|_| ListError::ApiKey)?;
        let bare = own::secret(key).map_err(|_| ListError::ApiKey)?;
        Ok(vec![Self::Bearer(bearer), Self::ApiKey(bare)])
    }

    fn advice(&self, status: StatusCode) -> &'static str {
        match (self, status) {
            (Self::NoKey, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                ": it wants an API key, from --api-key-env or --api-key-file"
            }
            (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                ": it does not take the API key"
            }
            _ => "",
        }
    }
}

struct Listing {
    upstream: Upstream,
}

impl Listing {
    async fn all(mut self, ways: Vec<Way>) -> Result<Vec<String>, ListError> {
        let (path, way, first) = self.find(&ways).await?;
        let mut seen = HashSet::new();
        let mut models = Vec::new();
        let mut answer = first;
        for _ in 0..MOST_PAGES {
            let page = Page::read(&answer).ok_or_else(|| ListError::NoList(path.to_owned()))?;
            let known = models.len();
            models.extend(page.models.into_iter().filter(|name| seen.insert(name.clone())));
            let Some((parameter, cursor)) = page.next else {
                return if models.is_empty() { Err(ListError::Empty) } else { Ok(models) };
            };
            // A page without anything new would be followed by itself.
            if models.len() == known || models.len() > MOST_MODELS {
                return Err(ListError::Endless);
            }
            let next = format!("{path}?{parameter}={}", in_query(&cursor));
            let (status, body) = self.get(&next, &way).await?;
            if !status.is_success() {
                let advice = way.advice(status);
                return Err(ListError::Status { path: path.to_owned(), status, advice });
            }
            answer = body;
        }
        Err(ListError::Endless)
    }

    /// Where the list is, how it is asked for, and its first page.
    async fn find(&mut self, ways: &[Way]) -> Result<(&'static str, Way, Bytes), ListError> {
        let mut last = None;
        for path in PLACES {
            for way in ways {
                let (status, body) = self.get(path, way).await?;
                if status.is_success() {
                    return Ok((path, way.clone(), body));
                }
                let (path, advice) = (path.to_owned(), way.advice(status));
                let error = ListError::Status { path, status, advice };
                match status {
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => last = Some(error),
                    StatusCode::NOT_FOUND => {
                        last.get_or_insert(error);
                        break;
                    }
                    _ => return Err(error),
                }
            }
        }
        Err(last.unwrap_or(ListError::Empty))
    }

    async fn get(&mut self, path: &str, way: &Way) -> Result<(StatusCode, Bytes), ListError> {
        let failed = |error: &dyn std::fmt::Display| ListError::Exchange(error.to_string());
        let mut request = Request::get(path)
            .header(ACCEPT, "application/json")
            .body(Empty::<Bytes>::new())
            .map_err(|error| failed(&error))?;
        let headers = request.headers_mut();
        match way {
            Way::NoKey => {}
            Way::Bearer(key) => {
                headers.insert(AUTHORIZATION, key.clone());
            }
            Way::ApiKey(key) => {
                headers.insert(X_API_KEY, key.clone());
                headers.insert(ANTHROPIC_VERSION, HeaderValue::from_static("2023-06-01"));
            }
        }
        let exchange = async {
            let response = self.upstream.call(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LONGEST_PAGE).collect().await?;
            Ok::<_, BoxError>((status, body.to_bytes()))
        };
        exchange.await.map_err(|error| failed(&error))
    }
}

/// One page of a list.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    models: Vec<String>,
    /// The parameter that asks for the next page, and its value.
    next: Option<(&'static str, String)>,
}

impl Page {
    fn read(body: &[u8]) -> Option<Self> {
        let page: Value = serde_json::from_slice(body).ok()?;
        let entries = [Some(&page), page.get("data"), page.get("models")];
        let entries = entries.into_iter().flatten().find_map(Value::as_array)?;
        let name = |entry: &Value| -> Option<String> {
            let name = entry.get("id").or_else(|| entry.get("name"))?.as_str()?;
            Some(name.to_owned()).filter(|name| name.len() <= LONGEST_NAME)
        };
        let models: Vec<String> = entries.iter().map(name).collect::<Option<_>>()?;
        let text = |member: &str| {
            let text = page.get(member)?.as_str()?;
            Some(text.to_owned()).filter(|text| !text.is_empty())
        };
        let next = if page.get("has_more").and_then(Value::as_bool) == Some(true) {
            let listed = page.get("object").is_some_and(|object| object == "list");
            let parameter = if listed { "after" } else { "after_id" };
            Some((parameter, text("last_id").or_else(|| models.last().cloned())?))
        } else {
            let cohere = text("next_page_token").map(|token| ("page_token", token));
            cohere.or_else(|| text("nextPageToken").map(|token| ("pageToken", token)))
        };
        let fits = next.as_ref().is_none_or(|(_, cursor)| cursor.len() <= LONGEST_NAME);
        fits.then_some(Self { models, next })
    }
}

/// A value as it stands in a query.
fn in_query(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_as_every_vendor_writes_them() {
        for (page, models, next) in [
            (r#"{"object":"list","data":[{"id":"a"},{"id":"b"}]}"#, vec!["a", "b"], None),
            (r#"[{"id":"a","object":"model"}]"#, vec!["a"], None),
            (r#"{"data":[{"id":"a"}],"has_more":false,"last_id":"a"}"#, vec!["a"], None),
            (
                r#"{"data":[{"id":"a"}],"has_more":true,"last_id":"x"}"#,
                vec!["a"],
                Some(("after_id", "x")),
            ),
            (
                r#"{"object":"list","data":[{"id":"a"}],"has_more":true}"#,
                vec!["a"],
                Some(("after", "a")),
            ),
            (
                r#"{"models":[{"name":"command"}],"next_page_token":"t="}"#,
                vec!["command"],
                Some(("page_token", "t=")),
            ),
            (
                r#"{"models":[{"name":"models/gemini"}],"nextPageToken":"t"}"#,
                vec!["models/gemini"],
                Some(("pageToken", "t")),
            ),
            (r#"{"data":[],"next_page_token":""}"#, vec![], None),
        ] {
            let models = models.into_iter().map(str::to_owned).collect();
            let next = next.map(|(parameter, cursor)| (parameter, cursor.to_owned()));
            assert_eq!(Page::read(page.as_bytes()), Some(Page { models, next }), "{page}");
        }
    }

    /// What cannot be read is not skipped: it would look covered.
    #[test]
    fn what_is_no_list_of_names_is_none() {
        let long = format!(r#"[{{"id":"{}"}}]"#, "a".repeat(LONGEST_NAME + 1));
        for page in
            ["", "{}", "<html>", r#"{"data":{}}"#, r#"{"data":[{}]}"#, r#"[{"id":1}]"#, &long]
        {
            assert_eq!(Page::read(page.as_bytes()), None, "{page}");
        }
        assert_eq!(Page::read(br#"{"data":[],"has_more":true}"#), None);
    }

    #[test]
    fn a_cursor_stays_one_value_of_a_query() {
        assert_eq!(in_query("a&b=ü /"), "a%26b%3D%C3%BC%20%2F");
    }
}
