//! `guilloche serve` as its operators meet it: arguments, messages, exit statuses, signals.

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};
    use std::path::PathBuf;
    use std::process::{Command, Output, Stdio};

    fn file(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("guilloche-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    fn guilloche() -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
        command.arg("serve").env_remove("RUST_LOG");
        command
    }

    fn shown(output: &Output) -> (Option<i32>, String, String) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    #[test]
    fn a_configuration_is_checked_and_nothing_is_started() {
        let path = file("good.toml", "[upstream]\nurl = \"http://127.0.0.1:1\"\n");
        let output = guilloche().arg("--check").arg("--config").arg(&path).output().unwrap();
        std::fs::remove_file(&path).unwrap();
        let expected = format!("{} can be served\n", path.display());
        assert_eq!(shown(&output), (Some(0), expected, String::new()));
    }

    #[test]
    fn everything_wrong_is_told_and_the_status_is_2() {
        let path = file("bad.toml", "[upstream]\nurl = 1\n[listen]\nport = 80\n");
        let output = guilloche()
            .arg("--config")
            .arg(&path)
            .env("GUILLOCHE_ADMIN_ADDRESS", "nowhere")
            .output()
            .unwrap();
        std::fs::remove_file(&path).unwrap();
        let (status, stdout, stderr) = shown(&output);
        assert_eq!((status, stdout.as_str()), (Some(2), ""));
        for part in [
            "the configuration has 3 error(s)",
            "bad.toml:2: upstream.url: expected an http or https URL",
            "bad.toml:4: listen.port: is no field",
            "environment variable GUILLOCHE_ADMIN_ADDRESS: admin.address: expected",
        ] {
            assert!(stderr.contains(part), "{part}: {stderr}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn it_tells_its_addresses_and_stops_at_sigterm() {
        let path = file("run.toml", "[upstream]\nurl = \"http://127.0.0.1:1\"\n");
        // A test that fails must not leave the proxy running.
        struct Running(std::process::Child);
        impl Drop for Running {
            fn drop(&mut self) {
                let _ = self.0.kill();
            }
        }
        let child = guilloche()
            .arg("--config")
            .arg(&path)
            .env("GUILLOCHE_LISTEN_ADDRESS", "127.0.0.1:0")
            .env("GUILLOCHE_ADMIN_ADDRESS", "127.0.0.1:0")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut child = Running(child);
        let mut stderr = BufReader::new(child.0.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        assert!(line.contains("address=127.0.0.1:") && line.contains("admin=127.0.0.1:"), "{line}");
        let killed = Command::new("kill").arg(child.0.id().to_string()).status().unwrap();
        assert!(killed.success());
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("stopping"), "{rest}");
        assert_eq!(child.0.wait().unwrap().code(), Some(0));
        std::fs::remove_file(&path).unwrap();
    }
}
