//! The configuration of a risk source, as the proxy's TOML file embeds it.

mod error;
mod skew;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use serde::Deserialize;
use zeroize::Zeroizing;

pub use error::{SettingError, SettingProblem};

use super::key::decode_secret;
use super::source::Context;
use super::{
    CertifiedPeer, Credentials, FromExtension, KeyError, PeerHeader, Reports, RiskSource,
    SignedHeader, SigningKey,
};

/// A secret is read up to this many bytes of text.
const MAX_SECRET_BYTES: u64 = 4096;
/// Clocks that are further apart than this are wrong, not skewed.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(600);

/// Whose word is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Trust {
    /// A header with a good signature.
    Signature,
    /// Any header: nobody but the detector can reach the listener.
    Peer,
    /// A detector in the same process.
    Extension,
}

impl Trust {
    /// The name in configurations and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Peer => "peer",
            Self::Extension => "extension",
        }
    }
}

/// The settings of a risk source.
///
/// ```
/// use guilloche::risk::RiskSettings;
///
/// let settings: RiskSettings = toml::from_str(r#"
///     trust = "signature"
///     keys = [{ id = "2026-11", file = "risk.key" }, { id = "2026-12", env = "RISK_KEY" }]
///     account_key = { env = "ACCOUNT_KEY" }
///     clock_skew = "30s"
/// "#)?;
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskSettings {
    /// Whose word is taken.
    pub trust: Trust,
    /// The detectors' keys, for `trust = "signature"`: two while one replaces the other.
    #[serde(default)]
    pub keys: Vec<KeySettings>,
    /// Names in client certificates, DNS names or URIs: who shows one of them is believed without a
    /// signature. For `trust = "signature"`, which then needs no keys.
    #[serde(default)]
    pub peers: Vec<String>,
    /// The label of the detector's signature; `guilloche` if not set.
    #[serde(default)]
    pub label: Option<String>,
    /// How far the detector's clock may be off, as `"30s"`, or in seconds; at most ten minutes.
    #[serde(default = "default_clock_skew", deserialize_with = "skew::read")]
    pub clock_skew: Duration,
    /// Whether a header must carry the hash of the request's API key. If not set: with a
    /// signature yes, from a peer no.
    #[serde(default)]
    pub bind_credential: Option<bool>,
    /// The header fields that carry API keys, those only that the upstream reads; `authorization`
    /// and `x-api-key` if not set.
    #[serde(default)]
    pub credential_headers: Option<Vec<String>>,
    /// The secret that turns API keys into accounts. Without one they change with every process.
    #[serde(default)]
    pub account_key: Option<SecretSettings>,
}

/// A detector's key: its id, and exactly one of `file` and `env`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySettings {
    /// The id that signatures name it by.
    pub id: String,
    /// A file that holds it in hexadecimal digits or Base64.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// An environment variable that does.
    #[serde(default)]
    pub env: Option<String>,
}

/// Where a secret is: exactly one of `file` and `env`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSettings {
    /// A file that holds it in hexadecimal digits or Base64.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// An environment variable that does.
    #[serde(default)]
    pub env: Option<String>,
}

fn default_clock_skew() -> Duration {
    Duration::from_secs(30)
}

impl RiskSettings {
    /// Headers signed with this one key are believed, and everything else is as usual.
    #[must_use]
    pub fn signed(key: KeySettings) -> Self {
        Self {
            trust: Trust::Signature,
            keys: vec![key],
            peers: Vec::new(),
            label: None,
            clock_skew: default_clock_skew(),
            bind_credential: None,
            credential_headers: None,
            account_key: None,
        }
    }

    /// The files that it names, by their fields.
    pub fn files(&mut self) -> impl Iterator<Item = (String, &mut PathBuf)> {
        let keys = self.keys.iter_mut().enumerate();
        let keys = keys
            .filter_map(|(index, key)| Some((format!("keys[{index}].file"), key.file.as_mut()?)));
        let account_key = self.account_key.as_mut().and_then(|key| key.file.as_mut());
        keys.chain(account_key.map(|file| ("account_key.file".to_owned(), file)))
    }

    /// Reads the secrets and makes the source, which counts into `reports`.
    ///
    /// # Errors
    ///
    /// Every setting that cannot be used.
    pub fn build(self, reports: Arc<Reports>) -> Result<Box<dyn RiskSource>, Vec<SettingError>> {
        let Self {
            trust,
            keys,
            peers,
            label,
            clock_skew,
            bind_credential,
            credential_headers,
            account_key,
        } = self;
        let mut errors = Errors(Vec::new());
        if clock_skew > MAX_CLOCK_SKEW {
            errors.add("clock_skew", SettingProblem::ClockSkew);
        }
        if label.as_deref().is_some_and(|label| sfv::KeyRef::from_str(label).is_err()) {
            errors.add("label", SettingProblem::Label);
        }
        match trust {
            Trust::Signature if keys.is_empty() && peers.is_empty() => {
                errors.add("keys", SettingProblem::NoKeys)
            }
            Trust::Peer | Trust::Extension if !keys.is_empty() => {
                errors.add("keys", SettingProblem::Meaningless);
            }
            Trust::Extension if bind_credential.is_some() => {
                errors.add("bind_credential", SettingProblem::Meaningless);
            }
            _ => {}
        }
        let meaningless = [("label", label.is_some()), ("peers", !peers.is_empty())];
        for (field, given) in meaningless {
            if given && trust != Trust::Signature {
                errors.add(field, SettingProblem::Meaningless);
            }
        }
        if peers.iter().any(String::is_empty) {
            errors.add("peers", SettingProblem::NoName);
        }
        let keys = errors.read_keys(keys);
        let credentials = errors.credentials(account_key, credential_headers);
        let Errors(errors) = errors;
        if !errors.is_empty() {
            return Err(errors);
        }
        let context = Context { clock_skew, credentials: Arc::new(credentials), reports };
        Ok(match trust {
            Trust::Extension => Box::new(FromExtension::new(context)),
            Trust::Peer => {
                Box::new(PeerHeader::new(context).bind_credential(bind_credential.unwrap_or(false)))
            }
            Trust::Signature => {
                let source = SignedHeader::new(context.clone(), keys)
                    .bind_credential(bind_credential.unwrap_or(true));
                let source = Box::new(match label {
                    Some(label) => source.with_label(label),
                    None => source,
                });
                if peers.is_empty() {
                    return Ok(source);
                }
                let peer =
                    PeerHeader::new(context).bind_credential(bind_credential.unwrap_or(false));
                Box::new(CertifiedPeer::new(peers, peer, source))
            }
        })
    }
}

/// All that is wrong, so that it can be mended in one go.
struct Errors(Vec<SettingError>);

impl Errors {
    fn add(&mut self, field: impl fmt::Display, problem: SettingProblem) {
        self.0.push(SettingError { field: field.to_string(), problem });
    }

    fn read_keys(&mut self, settings: Vec<KeySettings>) -> Vec<SigningKey> {
        let mut keys: Vec<SigningKey> = Vec::new();
        for (index, KeySettings { id, file, env }) in settings.into_iter().enumerate() {
            let field = format!("keys[{index}]");
            if keys.iter().any(|key| key.id() == id) {
                self.add(format!("{field}.id"), SettingProblem::DuplicateId);
            }
            let secret = SecretSettings { file, env };
            let place = secret.field();
            let key = secret
                .read()
                .and_then(|bytes| SigningKey::new(&id, &bytes).map_err(SettingProblem::Key));
            match key {
                Ok(key) => keys.push(key),
                Err(problem @ SettingProblem::Key(KeyError::Id(_))) => {
                    self.add(field + ".id", problem);
                }
                Err(problem) => self.add(field + place, problem),
            }
        }
        keys
    }

    fn credentials(
        &mut self,
        account_key: Option<SecretSettings>,
        headers: Option<Vec<String>>,
    ) -> Credentials {
        let field = account_key.as_ref().map_or("", SecretSettings::field);
        let made = match account_key {
            Some(secret) => secret.read().map(|secret| Credentials::with_secret(&secret)),
            None => Credentials::new().map_err(SettingProblem::Randomness),
        };
        let credentials = made.unwrap_or_else(|problem| {
            self.add(format!("account_key{field}"), problem);
            // It is not used: the settings are refused.
            Credentials::with_secret(&[])
        });
        let Some(headers) = headers else { return credentials };
        let mut names = Vec::new();
        for (index, name) in headers.iter().enumerate() {
            match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => names.push(name),
                Err(error) => {
                    self.add(format!("credential_headers[{index}]"), SettingProblem::Header(error));
                }
            }
        }
        credentials.in_headers(names)
    }
}

impl SecretSettings {
    /// The name of the field that says where, to be put behind the name of the block.
    fn field(&self) -> &'static str {
        match (&self.file, &self.env) {
            (Some(_), None) => ".file",
            (None, Some(_)) => ".env",
            _ => "",
        }
    }

    fn read(self) -> Result<Zeroizing<Vec<u8>>, SettingProblem> {
        let text = match (self.file, self.env) {
            (Some(file), None) => read_secret_file(&file).map_err(SettingProblem::File)?,
            (None, Some(variable)) => std::env::var(&variable)
                .map(Zeroizing::new)
                .map_err(|_| SettingProblem::Environment(shown(&variable)))?,
            _ => return Err(SettingProblem::OneOf),
        };
        decode_secret(&text).map_err(SettingProblem::Key)
    }
}

/// The name of a variable, unless it looks like a key that was put where a name belongs.
fn shown(variable: &str) -> Option<String> {
    /// Digits of the shortest key, in Base64.
    const SHORTEST_KEY: usize = 22;
    let ordinary = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_name =
        variable.len() < SHORTEST_KEY || variable.contains('_') && variable.bytes().all(ordinary);
    is_name.then(|| variable.escape_debug().to_string())
}

/// The text of a small file that holds a secret.
///
/// # Errors
///
/// Those of the file system; [`io::ErrorKind::InvalidData`] when it is too long or not text.
pub fn read_secret_file(path: impl AsRef<Path>) -> io::Result<Zeroizing<String>> {
    let path = path.as_ref();
    // Never grown: that would leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_SECRET_BYTES as usize + 1));
    File::open(path)?.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "longer than any key"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> Result<Box<dyn RiskSource>, Vec<String>> {
        let settings: RiskSettings = toml::from_str(text).unwrap();
        settings
            .build(Arc::new(Reports::default()))
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_error_is_told_with_its_field() {
        let errors = build(
            r#"
            trust = "signature"
            keys = [
                { id = "a" },
                { id = "b", file = "no/such/file" },
                { id = "c", env = "NO_SUCH_VARIABLE", file = "x" },
                { id = "d", env = "NO_SUCH_VARIABLE" },
                { id = "e", file = "Cargo.toml" },
            ]
            label = "Upper"
            clock_skew = 601
            account_key = { env = "NO_SUCH_VARIABLE" }
            credential_headers = ["x-key", "no name"]
            "#,
        );
        let fields: Vec<String> = errors
            .unwrap_err()
            .iter()
            .map(|error| error.split(": ").next().unwrap().to_owned())
            .collect();
        let expected = [
            "clock_skew",
            "label",
            "keys[0]",
            "keys[1].file",
            "keys[2]",
            "keys[3].env",
            "keys[4].file",
            "account_key.env",
            "credential_headers[1]",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn settings_that_contradict_the_trust_are_refused() {
        assert_eq!(
            build("trust = \"signature\"").unwrap_err(),
            [
                "keys: trust = \"signature\" needs at least one key, or peers whose certificates are believed"
            ]
        );
        let errors = build("trust = \"extension\"\nlabel = \"x\"\nbind_credential = true");
        assert_eq!(
            errors.unwrap_err(),
            [
                "bind_credential: has no meaning with this trust",
                "label: has no meaning with this trust"
            ]
        );
        assert!(toml::from_str::<RiskSettings>("trust = \"peer\"\nkey = 1").is_err());
    }

    #[test]
    fn a_variable_that_is_not_set_is_named_and_a_key_in_its_place_is_not() {
        let said = |variable: &str| {
            let keys = format!("keys = [{{ id = \"a\", env = \"{variable}\" }}]");
            build(&format!("trust = \"signature\"\n{keys}")).unwrap_err().concat()
        };
        assert_eq!(
            said("NO_SUCH_DETECTOR_SIGNING_KEY"),
            "keys[0].env: the environment variable NO_SUCH_DETECTOR_SIGNING_KEY is not set, or not text"
        );
        for key in ["0a".repeat(32), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd_v8".to_owned()] {
            let said = said(&key);
            assert!(
                said.contains("names no variable that is set") && !said.contains(&key),
                "{said}"
            );
        }
    }

    #[test]
    fn each_trust_makes_its_source() {
        for (trust, source) in [("peer", "PeerHeader"), ("extension", "FromExtension")] {
            let built = build(&format!("trust = \"{trust}\"")).unwrap();
            assert!(format!("{built:?}").starts_with(source));
        }
    }
}
