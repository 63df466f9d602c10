//! What requests to AWS are signed with.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::secret::opaque_debug;

/// An access key of AWS, with the token that comes with one for a time.
#[derive(Clone)]
pub struct Credentials(Arc<Parts>);

struct Parts {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
}

opaque_debug!(Credentials, Source, Held);

/// A file of credentials cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[source] std::io::Error),
    /// It does not say this.
    #[error("says no {0} under [default]")]
    Missing(&'static str),
}

impl Credentials {
    /// An access key, and the token that comes with one for a time.
    #[must_use]
    pub fn new(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        session_token: Option<String>,
    ) -> Self {
        Self(Arc::new(Parts {
            access_key_id: access_key_id.into(),
            secret_access_key: Zeroizing::new(secret_access_key.into()),
            session_token: session_token.map(Zeroizing::new),
        }))
    }

    /// Reads the profile `default` of a shared credentials file, as AWS's own tools write it.
    ///
    /// # Errors
    /// A key is missing.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        let mut own = false;
        let (mut id, mut secret, mut token) = (None, None, None);
        for line in text.lines().map(str::trim) {
            if let Some(profile) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
                own = profile.trim() == "default";
            }
            let Some((name, value)) = line.split_once('=').filter(|_| own) else { continue };
            let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
            match name.trim() {
                "aws_access_key_id" => id = value,
                "aws_secret_access_key" => secret = value,
                "aws_session_token" => token = value,
                _ => {}
            }
        }
        let id = id.ok_or(CredentialsError::Missing("aws_access_key_id"))?;
        let secret = secret.ok_or(CredentialsError::Missing("aws_secret_access_key"))?;
        Ok(Self::new(id, secret, token))
    }

    fn of_file(path: &Path) -> Result<Self, CredentialsError> {
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        Self::parse(&text.map_err(CredentialsError::Unreadable)?)
    }

    pub(super) fn access_key_id(&self) -> &str {
        &self.0.access_key_id
    }

    pub(super) fn secret_access_key(&self) -> &str {
        &self.0.secret_access_key
    }

    pub(super) fn session_token(&self) -> Option<&str> {
        self.0.session_token.as_ref().map(|token| token.as_str())
    }
}

/// How often a file is looked at again: keys that hold for a time are exchanged before it is over.
const AGAIN: Duration = Duration::from_secs(10);

/// Where credentials come from.
pub(super) enum Source {
    Given(Credentials),
    File(PathBuf, Mutex<Held>),
}

/// What a file said when it was last read.
pub(super) struct Held {
    credentials: Credentials,
    modified: Option<SystemTime>,
    looked_at: Instant,
}

impl Source {
    /// A file, which is read again when it changes.
    pub(super) fn file(path: PathBuf) -> Result<Self, CredentialsError> {
        let modified = modified(&path);
        let credentials = Credentials::of_file(&path)?;
        let held = Held { credentials, modified, looked_at: Instant::now() };
        Ok(Self::File(path, Mutex::new(held)))
    }

    /// What to sign with now. A file that cannot be read any more says what it said last.
    pub(super) fn current(&self) -> Credentials {
        let (path, held) = match self {
            Self::Given(credentials) => return credentials.clone(),
            Self::File(path, held) => (path, held),
        };
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.looked_at.elapsed() >= AGAIN {
            held.look_again(path);
        }
        held.credentials.clone()
    }
}

impl Held {
    fn look_again(&mut self, path: &Path) {
        self.looked_at = Instant::now();
        let modified = modified(path);
        if modified == self.modified {
            return;
        }
        match Credentials::of_file(path) {
            Ok(credentials) => (self.credentials, self.modified) = (credentials, modified),
            Err(error) => {
                tracing::warn!(%error, "the credentials of the upstream have changed and cannot be read");
            }
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|it| it.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_credentials_file_is_read_as_the_vendors_tools_write_it() {
        let text = "[other]\naws_access_key_id = no\n\n[default]\n# a comment = x\naws_access_key_id = AKID\naws_secret_access_key=se/cr+et==\nregion=x\n";
        let read = Credentials::parse(text).unwrap();
        assert_eq!((read.access_key_id(), read.secret_access_key()), ("AKID", "se/cr+et=="));
        assert_eq!(read.session_token(), None);
        let token = Credentials::parse(&format!("{text}aws_session_token = tok\n")).unwrap();
        assert_eq!(token.session_token(), Some("tok"));
        assert_eq!(format!("{read:?}").find("se/cr"), None);
        for text in [
            "",
            "[default]\naws_access_key_id=a\n",
            "[a]\naws_access_key_id=a\naws_secret_access_key=b",
        ] {
            assert!(Credentials::parse(text).is_err(), "{text}");
        }
    }

    // Break it: keep what was read first.
    #[test]
    fn a_file_that_changes_is_read_again_and_one_that_breaks_says_what_it_said() {
        let path = std::env::temp_dir().join(format!("guilloche-aws-{}", std::process::id()));
        let write = |id: &str, seconds: u64| {
            std::fs::write(
                &path,
                format!("[default]\naws_access_key_id={id}\naws_secret_access_key=s\n"),
            )
            .unwrap();
            let file = std::fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        };
        write("first", 1_000);
        let Source::File(path, held) = Source::file(path.clone()).unwrap() else { panic!() };
        let mut held = held.into_inner().unwrap();
        write("second", 2_000);
        held.look_again(&path);
        assert_eq!(held.credentials.access_key_id(), "second");
        std::fs::write(&path, "").unwrap();
        held.look_again(&path);
        assert_eq!(held.credentials.access_key_id(), "second");
        std::fs::remove_file(&path).unwrap();
    }
}
