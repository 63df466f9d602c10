//! nginx as the proxy that people know, if it is installed.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use super::process::Served;
use crate::cli::Failure;

/// What a streaming reverse proxy is configured with: as many workers as there are processors, connections to
/// the upstream kept, nothing buffered, nothing logged.
const CONFIGURATION: &str = "
daemon off;
worker_processes auto;
worker_rlimit_nofile 65536;
pid DIRECTORY/nginx.pid;
error_log stderr crit;
events { worker_connections 32768; }
http {
    access_log off;
    client_body_temp_path DIRECTORY/body;
    proxy_temp_path DIRECTORY/proxy;
    fastcgi_temp_path DIRECTORY/fastcgi;
    uwsgi_temp_path DIRECTORY/uwsgi;
    scgi_temp_path DIRECTORY/scgi;
    keepalive_requests 1000000;
    upstream model { server UPSTREAM; keepalive 256; keepalive_requests 1000000; }
    server {
        listen ADDRESS backlog=4096;
        location / {
            proxy_pass http://model;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering off;
            proxy_request_buffering off;
        }
    }
}
";

/// Debian's is not on the path of everyone.
const PROGRAMS: [&str; 2] = ["nginx", "/usr/sbin/nginx"];

fn program() -> Option<&'static str> {
    let runs = |program: &&str| {
        let mut command = Command::new(program);
        command.arg("-v").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    PROGRAMS.into_iter().find(runs)
}

pub(super) fn is_installed() -> bool {
    program().is_some()
}

/// Starts it in front of `upstream`, with its files in `directory`.
pub(super) async fn start(directory: &Path, upstream: SocketAddr) -> Result<Served, Failure> {
    let program = program().ok_or("nginx is not installed")?;
    let directory = directory.join("nginx");
    std::fs::create_dir_all(&directory)?;
    let name = directory.to_str().ok_or("the temporary directory's name is not text")?;
    // It cannot be asked which port the system chose.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let text = CONFIGURATION
        .replace("DIRECTORY", name)
        .replace("UPSTREAM", &upstream.to_string())
        .replace("ADDRESS", &address.to_string());
    let file = directory.join("nginx.conf");
    std::fs::write(&file, text)?;
    let mut command = Command::new(program);
    command.arg("-c").arg(&file).arg("-p").arg(&directory).args(["-e", "stderr"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(Served::listening(command, address).await.map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => "nginx did not start".to_owned(),
        _ => format!("nginx: {error}"),
    })?)
}
