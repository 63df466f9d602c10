//! The examples of the documentation, run as they stand: Python's and OpenSSL's HMAC are
//! independent oracles for ours.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use super::*;

/// Answers one request and returns its head.
fn receive(listener: &TcpListener) -> std::io::Result<request::Parts> {
    let mut stream: TcpStream = listener.accept()?.0;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut words = lines[0].split(' ');
    let mut request = Request::builder().method(words.next().unwrap()).uri(words.next().unwrap());
    for line in &lines[1..] {
        let (name, value) = line.split_once(':').unwrap();
        request = request.header(name, value.trim());
    }
    let request = request.body(()).unwrap().into_parts().0;
    let length = request.headers["content-length"].to_str().unwrap().parse().unwrap();
    reader.take(length).read_to_end(&mut Vec::new())?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}")?;
    Ok(request)
}

/// Whether the programs that an example needs are there. In CI they must be.
fn has(programs: &[&str]) -> bool {
    programs.iter().all(|program| {
        let found = Command::new(program)
            .arg(if *program == "openssl" { "version" } else { "--version" })
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        assert!(found || std::env::var_os("CI").is_none(), "{program} is missing");
        if !found {
            println!("skipped: {program} is missing");
        }
        found
    })
}

/// Runs an example of the documentation against a listener and assesses what it sends.
fn run_example(interpreter: &str, file: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || receive(&listener));
    let output = Command::new(interpreter)
        .arg(format!("{}/docs/examples/{file}", env!("CARGO_MANIFEST_DIR")))
        .envs([("RISK_KEY", KEY_HEX), ("API_KEY", API_KEY), ("GUILLOCHE_URL", &url)])
        .env("no_proxy", "*")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let request = server.join().unwrap().unwrap();

    let input = request.headers["signature-input"].to_str().unwrap();
    let created = input.split_once("created=").unwrap().1.split(';').next().unwrap();
    let now = Timestamp::from_second(created.parse().unwrap()).unwrap();
    let source =
        SignedHeader::new(context(), vec![SigningKey::from_text("2026-11", KEY_HEX).unwrap()]);
    let Assessment { principal, risk } = source.assess(&request, now);
    assert_eq!(principal.account.as_str(), "acct-17");
    let Risk::Known(score) = risk else { panic!("{risk:?}") };
    assert_eq!(score.value(), 0.87);
}

#[test]
fn what_python_s_standard_library_signs_is_believed() {
    if has(&["python3"]) {
        run_example("python3", "risk_header.py");
    }
}

#[test]
fn what_openssl_signs_is_believed() {
    if has(&["openssl", "curl"]) {
        run_example("sh", "risk_header.sh");
    }
}

#[test]
fn the_documentation_quotes_the_examples_that_are_tested() {
    let page = include_str!("../../docs/risk-header.md");
    for (language, source) in [
        ("python", include_str!("../../docs/examples/risk_header.py")),
        ("sh", include_str!("../../docs/examples/risk_header.sh")),
    ] {
        assert!(page.contains(&format!("```{language}\n{source}```\n")), "{language}");
    }
    for reason in UnknownReason::ALL {
        assert!(page.contains(&format!("| `{}` |", reason.name())), "{}", reason.name());
    }
}
