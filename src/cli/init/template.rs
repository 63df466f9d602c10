//! The texts that are written, with what one installation has of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::wire::ServerKind;

const CONFIGURATION: &str = include_str!("guilloche.toml");
const MARKS: &str = include_str!("marks.toml");
const POLICY: &str = include_str!("policy.toml");

/// What differs from one installation to another.
#[derive(Clone, Debug)]
pub(super) struct Template<'t> {
    /// The upstream's address, as a configuration takes it.
    pub(super) url: &'t str,
    /// `None` where the address tells it, or nobody does.
    pub(super) kind: Option<ServerKind>,
    pub(super) listen: SocketAddr,
    /// The id of the detector's key.
    pub(super) key_id: String,
    /// Whether there are keys of marks.
    pub(super) marks: bool,
    /// Whether the upstream is `guilloche teacher`.
    pub(super) embedded: bool,
}

impl Template<'_> {
    /// `guilloche.toml`.
    pub(super) fn configuration(&self) -> String {
        let kind = match self.kind {
            Some(kind) => format!("kind = \"{}\"", kind.name()),
            None => "# kind = \"vllm\"".to_owned(),
        };
        CONFIGURATION
            .replace("@version@", env!("CARGO_PKG_VERSION"))
            .replace("@listen@", &self.listen.to_string())
            .replace("@admin@", &self.admin().to_string())
            .replace("\"@url@\"", &toml::Value::from(self.url).to_string())
            .replace("@kind@", &kind)
            .replace("@key_id@", &self.key_id)
            .replace("@marks@\n", if self.marks { MARKS } else { "" })
    }

    /// `policy.toml`.
    pub(super) fn policy(&self) -> String {
        let models = "models = { \"teacher-large\" = \"teacher-small\" }\n\
                      other_models = \"teacher-small\"";
        let example = "# models = { \"large-*\" = \"small\" }\n# other_models = \"small\"";
        POLICY
            .replace("@models@", if self.embedded { models } else { example })
            .replace("@watermark@\n", if self.marks { "watermark = {}\n" } else { "" })
    }

    /// Health and metrics: on this machine alone, on the port beside the clients'.
    fn admin(&self) -> SocketAddr {
        let port = self.listen.port();
        let port = port.checked_add(1).unwrap_or(port - 1);
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
    }
}
