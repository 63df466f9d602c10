//! The servers of a demonstration, in this process, on loopback ports of their own, and the folder of
//! their files.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cli::Failure;
use crate::proxy::{Config, Proxy, serve_service};
use crate::teacher::{Settings, Teacher};

/// How long a server may take to stop.
const GRACE: Duration = Duration::from_secs(2);

/// The upstream, and what a proxy in front of it is started with.
#[derive(Debug)]
pub(super) struct Servers {
    folder: PathBuf,
    upstream: Running,
}

/// A server that serves, and how to end it.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Servers {
    /// Starts the upstream and writes the files, by name, to a folder that is gone when all ends.
    pub(super) async fn start(
        name: &str,
        upstream: Settings,
        files: &[(&str, String)],
    ) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("guilloche-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let teacher = Teacher::new(upstream);
        let serving = tokio::spawn(serve_service(listener, teacher, wait(stopped), GRACE));
        let servers = Self { folder, upstream: Running { address, stop, serving } };
        for (name, contents) in files {
            servers.write(name, contents)?;
        }
        Ok(servers)
    }

    pub(super) fn upstream(&self) -> SocketAddr {
        self.upstream.address
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file for its owner alone: some hold keys.
    pub(super) fn write(&self, name: &str, contents: &str) -> std::io::Result<()> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        std::io::Write::write_all(&mut options.open(self.file(name))?, contents.as_bytes())
    }

    /// Starts a proxy before the upstream, with the deployment's secret and the detector's key that
    /// stand in `secret.key` and `detector.key`.
    pub(super) async fn proxy(&self, mut config: toml::Table) -> Result<Running, Failure> {
        let file = |name: &str| self.file(name).display().to_string();
        let (secret_file, key_file) = (file("secret.key"), file("detector.key"));
        config.extend(toml::toml! {
            [secret]
            key_file = secret_file
            [risk]
            trust = "signature"
            keys = [{ id = "demo", file = key_file }]
            [listen]
            address = "127.0.0.1:0"
            [admin]
            address = "off"
            [upstream]
            url = (format!("http://{}", self.upstream()))
        });
        let config =
            Config::parse("the demo's configuration", &config.to_string(), &BTreeMap::new())?;
        let proxy = Proxy::bind(config).await?;
        let address = proxy.address();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            if let Err(error) = proxy.run(wait(stopped)).await {
                tracing::error!(%error, "the proxy ended");
            }
        });
        Ok(Running { address, stop, serving })
    }

    /// Ends the upstream; nothing is left of the folder.
    pub(super) async fn stop(self) {
        self.upstream.end().await;
        let _ = std::fs::remove_dir_all(self.folder);
    }
}

impl Running {
    /// Ends it, and waits until it has.
    pub(super) async fn end(self) {
        let _ = self.stop.send(());
        let _ = self.serving.await;
    }
}

async fn wait(stopped: oneshot::Receiver<()>) {
    let _ = stopped.await;
}
