//! `guilloche serve` as its operators meet it: arguments, messages, exit statuses, signals.

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};
    use std::path::PathBuf;
    use std::process::{Child, Command, Output, Stdio};

    fn file(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("guilloche-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    fn guilloche() -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
        command.arg("serve").env_remove("RUST_LOG");
        // Nobody else has these.
        command.env("GUILLOCHE_LISTEN_ADDRESS", "127.0.0.1:0");
        command.env("GUILLOCHE_ADMIN_ADDRESS", "127.0.0.1:0");
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
        let (status, stdout, stderr) = shown(&output);
        assert_eq!((status, stdout), (Some(0), format!("{} can be served\n", path.display())));
        assert!(stderr.starts_with("warning: NOTHING IS GRADED: there is no [policy]"), "{stderr}");
    }

    #[test]
    fn a_text_is_marked_for_somebody() {
        for (account, cluster) in [("", "c"), ("a", "")] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
            command.args(["mark", "-", "--keys", "nowhere.keys"]);
            command.args(["--account", account, "--cluster", cluster]);
            let (status, _, stderr) = shown(&command.output().unwrap());
            let field = if account.is_empty() { "--account: " } else { "--cluster: " };
            assert_eq!(status, Some(2));
            assert!(stderr.starts_with(&format!("guilloche: {field}")), "{stderr}");
        }
    }

    /// A file that is not there is wrong input, and a bad policy the answer no.
    #[test]
    fn a_missing_policy_is_told_from_a_bad_one_by_the_exit_status() {
        let bad = file("bad-policy.toml", "version = 7\n");
        let good = format!("{}/policies/graded.toml", env!("CARGO_MANIFEST_DIR"));
        let (bad_name, missing) = (bad.display().to_string(), "/nowhere/p.toml".to_owned());
        for (files, expected) in [
            (vec![&good], 0),
            (vec![&bad_name, &good], 1),
            (vec![&missing], 2),
            (vec![&missing, &bad_name, &good], 2),
            (vec![&bad_name, &missing], 2),
        ] {
            for format in ["text", "json"] {
                let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
                let output = command.args(["policy", "check", "--format", format]).args(&files);
                let (status, stdout, stderr) = shown(&output.output().unwrap());
                assert_eq!((status, stderr.as_str()), (Some(expected), ""), "{files:?}");
                for file in &files {
                    assert!(stdout.contains(file.as_str()), "{stdout}");
                }
            }
        }
        std::fs::remove_file(bad).unwrap();
    }

    /// Every way to have a defense that does nothing, or one that believes anybody.
    #[test]
    fn what_nobody_may_have_meant_is_told_by_the_check() {
        let policy = |name: &str| {
            let root = env!("CARGO_MANIFEST_DIR");
            format!("[policy]\nfile = \"{root}/policies/{name}.toml\"\n")
        };
        let idle = file(
            "idle-policy.toml",
            "version = 1\nname = \"p\"\nmode = \"enforce\"\n\
            [[grade]]\nname = \"a\"\nat = 0.5\n",
        );
        let idle_policy = format!("[policy]\nfile = \"{}\"\n", idle.display());
        let peer = "[risk]\ntrust = \"peer\"\n";
        for (name, text, said) in [
            ("norisk", policy("graded"), "NOTHING IS GRADED: there is a [policy] and no [risk]"),
            (
                "extension",
                policy("graded") + "[risk]\ntrust = \"extension\"\n",
                "NOTHING IS GRADED: trust = \"extension\" takes a detector in the same process",
            ),
            ("empty", idle_policy + peer, "NOTHING IS GRADED: no grade of"),
            ("monitor", policy("monitor") + peer, "the policy monitor only observes"),
            ("public", policy("graded") + peer, "whoever can reach 0.0.0.0:0"),
            ("good", policy("graded") + peer, ""),
        ] {
            let path = file(name, &format!("[upstream]\nurl = \"http://127.0.0.1:1\"\n{text}"));
            let mut check = guilloche();
            if name == "public" {
                check.env("GUILLOCHE_LISTEN_ADDRESS", "0.0.0.0:0");
            }
            let output = check.arg("--check").arg("--config").arg(&path).output().unwrap();
            std::fs::remove_file(&path).unwrap();
            let (status, _, stderr) = shown(&output);
            assert_eq!(status, Some(0), "{name}: {stderr}");
            assert!(
                stderr.contains(said) && stderr.is_empty() == said.is_empty(),
                "{name}: {stderr}"
            );
            assert!(stderr.lines().count() < 2, "{stderr}");
        }
        std::fs::remove_file(idle).unwrap();
    }

    // Break it: take every protocol for one that carries blobs.
    #[test]
    fn protocols_over_which_nothing_carries_what_is_sealed_are_told() {
        let policy = |seal: &str| {
            let grade = format!(
                "version = 1\nname = \"p\"\nmode = \"enforce\"\n[[grade]]\nname = \"a\"\nat = 0.5\n\
                 reasoning = {{ keep = \"none\", seal = {seal} }}\n"
            );
            file("sealing-policy.toml", &grade)
        };
        let strings = "strings of reasoning that the upstream has not signed";
        for (kind, seal, told) in [
            ("ollama", "{}", vec![("chat, ollama", strings), ("completions", "has room for it")]),
            ("ollama", "{ in_strings = true }", vec![("completions", "has room for it")]),
            ("gemini", "{ in_strings = true }", vec![]),
            ("bedrock", "{}", vec![("chat", strings), ("are no credentials", "be changed for")]),
        ] {
            let policy = policy(seal);
            let text = format!(
                "[upstream]\nurl = \"http://127.0.0.1:1\"\nkind = \"{kind}\"\n[risk]\n\
                 trust = \"peer\"\n[policy]\nfile = \"{}\"\n",
                policy.display()
            );
            let path = file("sealing.toml", &text);
            let mut checks = guilloche();
            checks.env("GUILLOCHE_SECRET_KEY", "7".repeat(64));
            let output = checks.arg("--check").arg("--config").arg(&path).output().unwrap();
            std::fs::remove_file(&path).unwrap();
            std::fs::remove_file(&policy).unwrap();
            let (status, _, stderr) = shown(&output);
            assert_eq!((status, stderr.lines().count()), (Some(0), told.len()), "{stderr}");
            for (line, (names, said)) in stderr.lines().zip(told) {
                assert!(line.contains(names) && line.contains(said), "{kind}: {line}");
            }
        }
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

    // A test that fails must not leave the proxy running.
    struct Running(Child);

    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
        }
    }

    #[cfg(unix)]
    #[test]
    fn its_messages_are_lines_of_json_where_the_configuration_asks_for_them() {
        let path =
            file("json.toml", "upstream.url = \"http://127.0.0.1:1\"\nlog.format = \"json\"\n");
        let child = guilloche().arg("--config").arg(&path).stderr(Stdio::piped()).spawn().unwrap();
        let mut child = Running(child);
        let mut stderr = BufReader::new(child.0.stderr.take().unwrap());
        let mut next = || {
            let mut line = String::new();
            stderr.read_line(&mut line).unwrap();
            serde_json::from_str::<serde_json::Value>(&line).unwrap_or_else(|_| panic!("{line}"))
        };
        let serving = next();
        assert_eq!((&serving["level"], &serving["message"]), (&"INFO".into(), &"serving".into()));
        assert_eq!(serving["upstream"], "http://127.0.0.1:1/");
        assert_eq!(serving["tls"], false);
        let timestamp = serving["timestamp"].as_str().unwrap();
        assert!(timestamp.parse::<jiff::Timestamp>().is_ok(), "{timestamp}");
        assert_eq!(next()["level"], "WARN");
        let id = child.0.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        assert_eq!(next()["message"], "stopping");
        assert_eq!(child.0.wait().unwrap().code(), Some(0));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_log_level_that_cannot_be_read_is_told_and_info_is_logged() {
        let path = file("level.toml", "upstream.url = \"http://127.0.0.1:1\"\n");
        for (level, lines) in [
            ("guilloche=loudly", &["RUST_LOG cannot be read", "serving", "NOTHING IS GRADED"][..]),
            ("warn", &["NOTHING IS GRADED"]),
            ("", &["serving", "NOTHING IS GRADED"]),
        ] {
            let mut command = guilloche();
            command.arg("--config").arg(&path).env("RUST_LOG", level);
            let mut child = Running(command.stderr(Stdio::piped()).spawn().unwrap());
            let mut stderr = BufReader::new(child.0.stderr.take().unwrap());
            for said in lines {
                let mut line = String::new();
                stderr.read_line(&mut line).unwrap();
                assert!(line.contains(said), "{level}: {said}: {line}");
            }
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn it_tells_what_it_serves_reads_again_at_sighup_and_stops_at_sigterm() {
        let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/graded.toml");
        let text = format!(
            "[upstream]\nurl = \"http://127.0.0.1:1\"\n[policy]\nfile = \"{policy}\"\n\
             [risk]\ntrust = \"extension\"\n"
        );
        let path = file("run.toml", &text);
        let child = guilloche().arg("--config").arg(&path).stderr(Stdio::piped()).spawn().unwrap();
        let mut child = Running(child);
        let mut stderr = BufReader::new(child.0.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let revision = guilloche::policy::Policy::load(policy).unwrap().revision;
        for said in [
            "address=127.0.0.1:",
            "admin=127.0.0.1:",
            "upstream=http://127.0.0.1:1",
            "policy=\"graded\"",
            &format!("revision=\"{revision}\""),
            "mode=\"enforce\"",
            "trust=\"extension\"",
        ] {
            assert!(line.contains(said), "{said}: {line}");
        }
        line.clear();
        stderr.read_line(&mut line).unwrap();
        assert!(line.contains("WARN") && line.contains("NOTHING IS GRADED"), "{line}");
        let signal = |name: &str| {
            let id = child.0.id().to_string();
            assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
        };
        signal("HUP");
        line.clear();
        stderr.read_line(&mut line).unwrap();
        assert!(line.contains("another configuration decides trigger=\"signal\""), "{line}");
        line.clear();
        stderr.read_line(&mut line).unwrap();
        assert!(line.contains("NOTHING IS GRADED"), "{line}");
        std::fs::write(&path, "[upstream]\n").unwrap();
        signal("HUP");
        for said in ["refused: what decided goes on", "upstream.url: is required"] {
            line.clear();
            stderr.read_line(&mut line).unwrap();
            assert!(line.contains(said), "{said}: {line}");
        }
        signal("TERM");
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        assert!(!rest.contains("NOTHING IS GRADED"), "{rest}");
        assert!(rest.contains("stopping"), "{rest}");
        assert_eq!(child.0.wait().unwrap().code(), Some(0));
        std::fs::remove_file(&path).unwrap();
    }
}
