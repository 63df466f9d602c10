//! Tells a service manager how far the service is: the protocol of systemd's `sd_notify(3)`, which is
//! a datagram to the socket that `NOTIFY_SOCKET` names.

/// Clients can connect.
pub(super) const READY: &str = "READY=1";

/// No more can, and those that are there may finish.
pub(super) const STOPPING: &str = "STOPPING=1";

/// Tells it, if there is a manager that wants to know. Who does not listen misses nothing else.
#[cfg(unix)]
pub(super) fn tell(state: &str) {
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    #[cfg(target_os = "linux")]
    let abstract_name = {
        use std::os::linux::net::SocketAddrExt;

        let name = name.as_encoded_bytes().strip_prefix(b"@");
        name.and_then(|name| SocketAddr::from_abstract_name(name).ok())
    };
    #[cfg(not(target_os = "linux"))]
    let abstract_name = None;
    let address = abstract_name.or_else(|| SocketAddr::from_pathname(&name).ok());
    if let (Some(address), Ok(socket)) = (address, UnixDatagram::unbound()) {
        let _ = socket.send_to_addr(state.as_bytes(), &address);
    }
}

#[cfg(not(unix))]
pub(super) fn tell(_: &str) {}
