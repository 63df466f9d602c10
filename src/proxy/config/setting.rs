//! How one setting is read from text: the same from the file and from the environment.

use std::net::{SocketAddr, ToSocketAddrs};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;

use crate::wire::ServerKind;

/// What a setting must be in the file. In the environment everything is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    /// With a fraction, or without.
    Number,
    Boolean,
    /// Of texts; in the environment with commas between.
    List,
    /// A boolean or a text.
    Switch,
    /// An integer or a text.
    Count,
}

impl Kind {
    /// Whether a value of the kind `given` can be one of this kind.
    pub(super) fn takes(self, given: Self) -> bool {
        match self {
            Self::Number => matches!(given, Self::Number | Self::Integer),
            Self::Switch => matches!(given, Self::Boolean | Self::Text),
            Self::Count => matches!(given, Self::Integer | Self::Text),
            _ => self == given,
        }
    }
}

/// A type that settings may have.
///
/// Errors say what was expected and do not repeat what was given: it may be a secret.
pub(super) trait Setting: Sized {
    const KIND: Kind = Kind::Text;
    const EXPECTED: &'static str;

    /// `None` when `text` is not what [`EXPECTED`](Self::EXPECTED) says.
    fn read(text: &str) -> Option<Self>;
}

impl Setting for bool {
    const KIND: Kind = Kind::Boolean;
    const EXPECTED: &'static str = "true or false";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for NonZeroUsize {
    const KIND: Kind = Kind::Integer;
    const EXPECTED: &'static str = "a whole number of at least 1";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for NonZeroU32 {
    const KIND: Kind = Kind::Integer;
    const EXPECTED: &'static str = "a whole number from 1 to 4294967295";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for u32 {
    const KIND: Kind = Kind::Integer;
    const EXPECTED: &'static str = "a whole number from 0 to 4294967295";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for SocketAddr {
    const EXPECTED: &'static str = "an IP address, or the name of a host that has one, and a port, \
         such as \"127.0.0.1:8080\", \"[::1]:8080\" or \"localhost:8080\"";

    /// Of a name, the first address that the system knows.
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().or_else(|| text.to_socket_addrs().ok()?.next())
    }
}

impl Setting for ServerKind {
    const EXPECTED: &'static str = "one of \"custom\", \"openai\", \"anthropic\", \"mistral\", \
         \"vllm\", \"sglang\", \"llama_cpp\", \"ollama\", \"tgi\", \"gemini\" and \"bedrock\"";

    fn read(text: &str) -> Option<Self> {
        Self::from_name(text)
    }
}

impl Setting for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn read(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.into())
    }
}

/// Any text that says something.
pub(super) struct Text(pub(super) String);

impl Setting for Text {
    const EXPECTED: &'static str = "a text that is not empty";

    fn read(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Self(text.to_owned()))
    }
}

/// The base URL of the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BaseUrl(pub(super) Uri);

impl Setting for BaseUrl {
    const EXPECTED: &'static str = "an http or https URL with a host, without user name, query and \
         fragment, such as \"http://127.0.0.1:8000\" or \"https://models.example/base\"";

    fn read(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let web = matches!(uri.scheme_str(), Some("http" | "https"));
        let host = uri.host().is_some_and(|host| !host.is_empty());
        // `Uri` drops a fragment without a word, and keeps a user name in the authority.
        let plain = uri.query().is_none() && !text.contains(['#', '@']);
        (web && host && plain).then_some(Self(uri))
    }
}

impl Setting for Duration {
    const EXPECTED: &'static str =
        "a duration above zero with its unit, such as \"250ms\", \"30s\", \"5m\" or \"1h\"";

    fn read(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        // A century: later than any deadline, and far from the end of what timers can count.
        const LONGEST: u64 = 100 * 365 * 24 * 3_600_000;
        let total = number.checked_mul(milliseconds)?;
        (1..=LONGEST).contains(&total).then(|| Self::from_millis(total))
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) usize);

impl Setting for Size {
    const EXPECTED: &'static str =
        "a size above zero with its unit, such as \"512B\", \"64KiB\", \"16MiB\" or \"1GiB\"";

    fn read(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        let bytes = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        let total = usize::try_from(number.checked_mul(bytes)?).ok()?;
        (total > 0).then_some(Self(total))
    }
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.trim_start_matches(' ')))
}

/// `off`, or a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OrOff<T>(pub(super) Option<T>);

impl<T: Setting> OrOff<T> {
    fn of(text: &str) -> Option<Self> {
        if text == "off" { Some(Self(None)) } else { T::read(text).map(|it| Self(Some(it))) }
    }
}

impl Setting for OrOff<SocketAddr> {
    const EXPECTED: &'static str = "\"off\", or an IP address and port, such as \"127.0.0.1:8081\"";

    fn read(text: &str) -> Option<Self> {
        Self::of(text)
    }
}

impl Setting for OrOff<Duration> {
    const EXPECTED: &'static str = "\"off\", or a duration with its unit, such as \"10s\"";

    fn read(text: &str) -> Option<Self> {
        Self::of(text)
    }
}

/// Paths with commas between, which none of them has.
pub(super) struct Paths(pub(super) Vec<PathBuf>);

impl Setting for Paths {
    const KIND: Kind = Kind::List;
    const EXPECTED: &'static str = "a list of paths";

    fn read(text: &str) -> Option<Self> {
        let mut paths = text.split(',').map(str::trim).peekable();
        paths.peek()?;
        let paths = paths.map(|path| (!path.is_empty()).then(|| path.into()));
        paths.collect::<Option<_>>().map(Self)
    }
}

/// Names of hosts with commas between; there may be none.
pub(super) struct Hosts(pub(super) Vec<String>);

impl Setting for Hosts {
    const KIND: Kind = Kind::List;
    const EXPECTED: &'static str =
        "a list of names of hosts, without ports, such as [\"guilloche.example\"]";

    fn read(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return Some(Self(Vec::new()));
        }
        let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let hosts = text.split(',').map(str::trim);
        let hosts = hosts
            .map(|host| (!host.is_empty() && host.bytes().all(named)).then(|| host.to_owned()));
        hosts.collect::<Option<_>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_a_number_above_zero_and_a_unit() {
        for (text, milliseconds) in
            [("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("2 s", 2_000)]
        {
            assert_eq!(Duration::read(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "30", "s", "-1s", "1.5s", "0s", "1d", "18446744073709551615h", "é"] {
            assert_eq!(Duration::read(text), None, "{text}");
        }
    }

    #[test]
    fn every_kind_of_server_is_named_where_one_is_expected() {
        for kind in ServerKind::ALL {
            assert!(ServerKind::EXPECTED.contains(kind.name()), "{}", kind.name());
        }
    }

    #[test]
    fn an_address_may_be_that_of_a_host() {
        let port = |text: &str| SocketAddr::read(text).map(|it| (it.ip().is_loopback(), it.port()));
        for text in ["127.0.0.1:81", "[::1]:81", "localhost:81"] {
            assert_eq!(port(text), Some((true, 81)), "{text}");
        }
        for text in ["", "localhost", "no such host:81", "127.0.0.1:65536", ":81:"] {
            assert_eq!(port(text), None, "{text}");
        }
    }

    #[test]
    fn a_size_counts_in_powers_of_two() {
        for (text, bytes) in [("512B", 512), ("64KiB", 65_536), ("16MiB", 16_777_216)] {
            assert_eq!(Size::read(text), Some(Size(bytes)), "{text}");
        }
        for text in ["", "16", "16MB", "0B", "1e3B", "18446744073709551615GiB"] {
            assert_eq!(Size::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_base_url_has_a_host_and_no_secrets() {
        for text in ["http://localhost:8000", "https://models.example/base/"] {
            assert!(BaseUrl::read(text).is_some(), "{text}");
        }
        for text in [
            "",
            "/v1",
            "localhost:80",
            "ftp://a",
            "http://u:p@a",
            "http://a?k=1",
            "http://a#f",
            "http:///x",
        ] {
            assert_eq!(BaseUrl::read(text), None, "{text}");
        }
    }
}
