//! The [PROXY protocol](https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt), version 2: who the
//! client is, told by a balancer of TCP connections before the first byte that the client sends.
//!
//! A connection without it is not served where it is asked for: anybody who reached the listener past the
//! balancer could say they were somebody else.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Addresses and what balancers add of their own are longer nowhere.
const MOST_BYTES: u16 = 4096;

/// Reads the header and not a byte more. The address of the client; `None` where the balancer speaks for
/// itself, to see whether somebody listens, or for a client that has no IP address.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] when it is no such header; [`io::ErrorKind::TimedOut`].
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    patience: Duration,
) -> io::Result<Option<SocketAddr>> {
    timeout(patience, header(stream)).await.map_err(|_| io::ErrorKind::TimedOut)?
}

async fn header(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "no PROXY protocol, version 2");
    let mut signature = [0; 12];
    stream.read_exact(&mut signature).await?;
    if signature != SIGNATURE {
        return Err(wrong());
    }
    let (command, family) = (stream.read_u8().await?, stream.read_u8().await?);
    let length = stream.read_u16().await?;
    if length > MOST_BYTES {
        return Err(wrong());
    }
    let mut rest = vec![0; usize::from(length)];
    stream.read_exact(&mut rest).await?;
    let mut rest = rest.as_slice();
    match (command, family) {
        // LOCAL: the balancer's own, whatever follows.
        (0x20, _) => Ok(None),
        // PROXY, TCP over IPv4 and IPv6: the source, the destination, then the ports of both.
        (0x21, 0x11) => {
            let (source, _) = (rest.read_u32().await?, rest.read_u32().await?);
            let address = IpAddr::V4(Ipv4Addr::from_bits(source));
            Ok(Some(SocketAddr::new(address, rest.read_u16().await?)))
        }
        (0x21, 0x21) => {
            let (source, _) = (rest.read_u128().await?, rest.read_u128().await?);
            let address = IpAddr::V6(Ipv6Addr::from_bits(source));
            Ok(Some(SocketAddr::new(address, rest.read_u16().await?)))
        }
        // Of no family, or one without addresses of the Internet.
        (0x21, 0x00 | 0x31 | 0x32) => Ok(None),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [SIGNATURE.as_slice(), &[command, family], &length, body].concat()
    }

    async fn said(bytes: &[u8]) -> (Result<Option<String>, io::ErrorKind>, usize) {
        let mut left = bytes;
        let said = read(&mut left, Duration::from_secs(1)).await;
        let said = said.map(|it| it.map(|it| it.to_string())).map_err(|error| error.kind());
        (said, left.len())
    }

    // As HAProxy's manual lays them out.
    #[tokio::test]
    async fn the_client_is_who_the_balancer_says_and_what_follows_is_left() {
        let four = [192, 0, 2, 7, 198, 51, 100, 1, 0xc0, 0x01, 0x01, 0xbb];
        let mut six = [0; 36];
        (six[0], six[1], six[15], six[33]) = (0x20, 0x01, 9, 80);
        for (header, expected) in [
            (v2(0x21, 0x11, &four), Some("192.0.2.7:49153")),
            (
                v2(0x21, 0x11, &[four.as_slice(), b"\x03\x00\x04abcd"].concat()),
                Some("192.0.2.7:49153"),
            ),
            (v2(0x21, 0x21, &six), Some("[2001::9]:80")),
            (v2(0x20, 0x00, &[]), None),
            (v2(0x21, 0x00, &[]), None),
            (v2(0x21, 0x31, &[b'/'; 216]), None),
        ] {
            let sent = [header.as_slice(), b"GET /"].concat();
            assert_eq!(said(&sent).await, (Ok(expected.map(str::to_owned)), 5));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_such_header_is_refused() {
        let four = [192, 0, 2, 7, 198, 51, 100, 1, 0xc0, 0x01, 0x01, 0xbb];
        let cut = v2(0x21, 0x11, &four[..9]);
        for sent in [
            b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 198.51.100.1 49153 443\r\n".to_vec(),
            v2(0x11, 0x11, &four),
            v2(0x22, 0x11, &four),
            v2(0x21, 0x12, &four),
            v2(0x21, 0x11, &[0; 4097]),
        ] {
            assert_eq!(said(&sent).await.0, Err(io::ErrorKind::InvalidData), "{sent:?}");
        }
        assert_eq!(said(&cut).await.0, Err(io::ErrorKind::UnexpectedEof));
        let (mut silent, _open) = tokio::io::duplex(1);
        let error = read(&mut silent, Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
