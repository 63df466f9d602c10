//! The configuration: everything wrong is named at once, and nothing is configured by accident.

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::time::Duration;

    use guilloche::proxy::config::Probe;
    use guilloche::proxy::{Config, ConfigErrors};

    /// Fields that only variables have.
    const SECRETS: [(&str, &str); 5] = [
        ("marks", "probe_key"),
        ("secret", "key"),
        ("summarizer", "key"),
        ("upstream", "secret_access_key"),
        ("upstream", "session_token"),
    ];

    const LEAST: &str = "[upstream]\nurl = \"http://127.0.0.1:8000\"\n";

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn lines(errors: &ConfigErrors) -> Vec<String> {
        errors.0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_example_says_what_the_defaults_are() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guilloche.toml");
        let example = Config::load(&path, &environment(&[])).unwrap();
        let least = Config::parse("least.toml", LEAST, &environment(&[])).unwrap();
        assert_eq!(format!("{example:?}"), format!("{least:?}"));
    }

    #[test]
    fn every_field_is_in_the_example_and_in_the_manual() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        let example = std::fs::read_to_string(root.join("guilloche.toml")).unwrap();
        let manual = std::fs::read_to_string(root.join("configuration.md")).unwrap();
        assert!(Config::fields().len() > 20);
        for (section, field) in Config::fields() {
            assert!(manual.contains(&format!("| `{section}.{field}` |")), "{section}.{field}");
            if !SECRETS.contains(&(section, field)) {
                assert!(example.contains(&format!("\n[{section}]")), "{section}");
                assert!(example.contains(&format!("{field} = ")), "{section}.{field}");
            }
        }
    }

    #[test]
    fn all_errors_are_named_at_once_with_their_lines() {
        let text = "\
[upstream]
url = \"not a url\"
idle_timeout = 30
http2 = \"true\"

[limits]
max_header_bytes = \"1KiB\"
max_conections = 5

[audit]
file = \"audit.jsonl\"
[secret]
key = \"00\"

[polcy]
file = \"p.toml\"
";
        let variables = environment(&[
            ("GUILLOCHE_LISTEN_PORT", "80"),
            ("GUILLOCHE_SHUTDOWN_GRACE", "soon"),
            ("PATH", "/bin"),
        ]);
        let errors = Config::parse("g.toml", text, &variables).unwrap_err();
        let lines = lines(&errors);
        let starts = [
            "g.toml:2: upstream.url: expected an http or https URL",
            "g.toml:3: upstream.idle_timeout: expected a duration",
            "g.toml:4: upstream.http2: expected true or false",
            "g.toml:7: limits.max_header_bytes: must be from 8KiB",
            "g.toml:8: limits.max_conections: is no field; the section has: max_connections, ",
            "g.toml:13: secret.key: is a secret",
            "g.toml:15: polcy: is no section; there are: access_log, admin, ",
            "environment variable GUILLOCHE_SHUTDOWN_GRACE: shutdown.grace: expected a duration",
            "environment variable GUILLOCHE_LISTEN_PORT: names no setting",
        ];
        assert_eq!(lines.len(), starts.len(), "{lines:#?}");
        for start in starts {
            assert!(lines.iter().any(|line| line.starts_with(start)), "{start}: {lines:#?}");
        }
    }

    #[test]
    fn a_file_that_is_no_toml_is_an_error_with_its_line() {
        let errors = Config::parse("g.toml", "[upstream]\nurl = = 1\n", &environment(&[]));
        let errors = lines(&errors.unwrap_err());
        // What it lacks then is not what its author left out.
        assert!(errors.iter().all(|line| line.starts_with("g.toml:2: ")), "{errors:?}");
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let errors = Config::load(Path::new("/nonexistent/g.toml"), &environment(&[])).unwrap_err();
        assert!(lines(&errors)[0].starts_with("/nonexistent/g.toml: cannot be read: No such file"));
        assert!(lines(&errors)[0].contains("`guilloche init` writes one"));
    }

    #[test]
    fn the_upstream_is_the_only_thing_that_must_be_said() {
        let errors = Config::parse("g.toml", "", &environment(&[])).unwrap_err();
        assert_eq!(errors.0.len(), 1);
        assert_eq!(errors.0[0].field.as_deref(), Some("upstream.url"));
        let variables = environment(&[("GUILLOCHE_UPSTREAM_URL", "http://a:1")]);
        Config::parse("g.toml", "", &variables).unwrap();
    }

    #[test]
    fn a_variable_beats_the_file_and_stands_in_for_a_missing_section() {
        let variables = environment(&[
            ("GUILLOCHE_UPSTREAM_URL", "https://models.example/base"),
            ("GUILLOCHE_UPSTREAM_HTTP2", "true"),
            ("GUILLOCHE_LIMITS_MAX_CONNECTIONS", "7"),
            ("GUILLOCHE_SHUTDOWN_GRACE", "5m"),
            ("GUILLOCHE_ADMIN_ADDRESS", "off"),
        ]);
        let config = Config::parse("g.toml", LEAST, &variables).unwrap();
        assert_eq!(config.upstream.url, "https://models.example/base");
        assert!(config.upstream.http2);
        assert_eq!(config.limits.max_connections.get(), 7);
        assert_eq!(config.grace, Duration::from_secs(300));
        assert_eq!(config.admin, None);
    }

    #[test]
    fn what_kubernetes_injects_is_ignored_with_a_notice_and_a_misspelt_variable_is_an_error() {
        let injected = [
            ("GUILLOCHE_PORT", "tcp://10.96.11.7:8080"),
            ("GUILLOCHE_SERVICE_HOST", "10.96.11.7"),
            ("GUILLOCHE_SERVICE_PORT_HTTP", "8080"),
            ("GUILLOCHE_PORT_8080_TCP_ADDR", "10.96.11.7"),
            // Of a service `guilloche-risk`.
            ("GUILLOCHE_RISK_PORT", "tcp://10.96.11.8:80"),
        ];
        let config = Config::parse("g.toml", LEAST, &environment(&injected)).unwrap();
        let [notice] = config.notices.as_slice() else { panic!("{:?}", config.notices) };
        for (name, _) in injected {
            assert!(notice.contains(name), "{name}: {notice}");
        }
        let misspelt = [injected[0], ("GUILLOCHE_PROT", "80"), ("GUILLOCHE_LISTEN_PORT", "80")];
        let errors = Config::parse("g.toml", LEAST, &environment(&misspelt)).unwrap_err();
        assert_eq!(errors.0.len(), 2, "{errors}");
        // None of them hides a setting.
        for (section, field) in Config::fields() {
            let name = format!("GUILLOCHE_{section}_{field}").replace('.', "_").to_uppercase();
            for value in ["8080", "10.96.11.7", "tcp://10.96.11.7:8080", "tcp"] {
                let config = Config::parse("g.toml", LEAST, &environment(&[(&name, value)]));
                assert!(
                    config.is_err_and(|it| it.0[0].place.contains(&name))
                        || !name.ends_with("_PORT")
                );
            }
        }
    }

    /// A folder of its own with a policy, gone with the test.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("config-{name}"));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(path.join("policies")).unwrap();
            std::fs::copy(
                Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/graded.toml"),
                path.join("policies/graded.toml"),
            )
            .unwrap();
            Self(path)
        }

        fn write(&self, name: &str, text: &str) -> std::path::PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, text).unwrap();
            path
        }

        #[cfg(unix)]
        fn secret(&self, name: &str, mode: u32) {
            use std::os::unix::fs::PermissionsExt;

            let path = self.write(name, &"0a".repeat(32));
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn paths_in_the_file_lead_from_its_folder_and_those_of_variables_from_the_working_directory() {
        let folder = Folder::new("relative");
        folder.write("risk.key", &"0a".repeat(32));
        folder.write("secret.key", &"0b".repeat(32));
        let text = format!(
            "{LEAST}[policy]\nfile = \"policies/graded.toml\"\n[secret]\nkey_file = \"secret.key\"\n\
             [audit]\nfile = \"audit.jsonl\"\n[access_log]\noutput = \"access.jsonl\"\n[risk]\n\
             trust = \"signature\"\nkeys = [{{ id = \"a\", file = \"risk.key\" }}]\n\
             account_key = {{ file = \"secret.key\" }}\n"
        );
        let path = folder.write("guilloche.toml", &text);
        let config = Config::load(&path, &environment(&[])).unwrap();
        assert_eq!(config.policy.unwrap(), folder.0.join("policies/graded.toml"));
        assert_eq!(config.audit.unwrap().file, folder.0.join("audit.jsonl"));
        assert!(format!("{:?}", config.access_log).contains(folder.0.to_str().unwrap()));
        assert_eq!(config.risk.unwrap().keys[0].file, Some(folder.0.join("risk.key")));

        let variables = [
            ("GUILLOCHE_POLICY_FILE", "policies/strict.toml"),
            ("GUILLOCHE_RISK_KEYS", "[{ id = \"a\", file = \"Cargo.toml\" }]"),
        ];
        let errors = Config::load(&path, &environment(&variables)).unwrap_err();
        let expected =
            "environment variable GUILLOCHE_RISK_KEYS: risk.keys[0].file: Cargo.toml cannot be ";
        assert!(lines(&errors)[0].starts_with(expected), "{errors}");
        let config = Config::load(&path, &environment(&variables[..1])).unwrap();
        assert_eq!(config.policy.unwrap(), Path::new("policies/strict.toml"));
    }

    #[test]
    fn what_the_file_leads_to_is_told_with_all_other_errors_and_once() {
        let text = "\
[upstream]
url = 1
[policy]
file = \"nowhere/policy.toml\"
[marks]
keys = \"nowhere/mark.keys\"
[risk]
trust = \"signature\"
keys = [
    { id = \"a\", env = \"NO_SUCH_DETECTOR_KEY\" },
    { id = \"b\", file = \"nowhere/risk.key\" },
]
label = \"Not A Label\"
";
        let errors = Config::parse("etc/g.toml", text, &environment(&[])).unwrap_err();
        let starts = [
            "etc/g.toml:2: upstream.url: expected",
            "etc/g.toml:4: policy.file: etc/nowhere/policy.toml cannot be read: No such file",
            "etc/g.toml:6: marks.keys: etc/nowhere/mark.keys cannot be read: No such file",
            "etc/g.toml:10: risk.keys[0].env: the environment variable NO_SUCH_DETECTOR_KEY is not set",
            "etc/g.toml:11: risk.keys[1].file: etc/nowhere/risk.key cannot be read: No such file",
            "etc/g.toml:13: risk.label: a label has",
        ];
        let lines = lines(&errors);
        assert_eq!(lines.len(), starts.len(), "{lines:#?}");
        for (line, start) in lines.iter().zip(starts) {
            assert!(line.starts_with(start), "{start}: {line}");
            assert!(line.matches("No such file").count() < 2, "{line}");
        }
        let folder = Folder::new("policy");
        folder.write("policy.toml", "version = 1\nname = \"p\"\nmode = \"maybe\"\n");
        let path = folder.write("g.toml", &format!("{LEAST}[policy]\nfile = \"policy.toml\"\n"));
        let errors = Config::load(&path, &environment(&[])).unwrap_err();
        let policy = folder.0.join("policy.toml").display().to_string();
        assert_eq!(errors.0.len(), 2, "{errors}");
        assert!(errors.0.iter().all(|error| error.place.starts_with(&policy)), "{errors}");
    }

    #[test]
    fn two_listeners_do_not_get_one_address_nor_the_upstream_that_of_the_proxy() {
        let with = |listen: &str, admin: &str, upstream: &str| {
            let variables = [
                ("GUILLOCHE_LISTEN_ADDRESS", listen),
                ("GUILLOCHE_ADMIN_ADDRESS", admin),
                ("GUILLOCHE_UPSTREAM_URL", upstream),
            ];
            let errors = Config::parse("g.toml", "", &environment(&variables)).err();
            errors.map(|errors| errors.0[0].field.clone().unwrap()).unwrap_or_default()
        };
        let other = "http://127.0.0.1:8000";
        for (listen, admin) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::1]:8080", "[::]:8080"),
        ] {
            assert_eq!(with(listen, admin, other), "admin.address", "{listen} {admin}");
        }
        for (listen, admin) in [
            ("127.0.0.1:8080", "127.0.0.1:8081"),
            ("127.0.0.1:8080", "127.0.0.2:8080"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("127.0.0.1:8080", "off"),
        ] {
            assert_eq!(with(listen, admin, other), "", "{listen} {admin}");
        }
        for (listen, upstream) in [
            ("127.0.0.1:8000", other),
            ("0.0.0.0:8000", other),
            ("127.0.0.1:8000", "http://localhost:8000/v1"),
            ("[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(with(listen, "off", upstream), "upstream.url", "{listen} {upstream}");
        }
        assert_eq!(with("0.0.0.0:8000", "off", "http://10.0.0.1:8000"), "");
    }

    /// Fails when an audit file then wants a key that was given.
    #[test]
    fn a_bad_secret_is_told_once() {
        let audit = format!("{LEAST}[audit]\nfile = \"a.jsonl\"\n");
        let bad = environment(&[("GUILLOCHE_SECRET_KEY", "0b")]);
        let missing = format!("{audit}[secret]\nkey_file = \"nowhere.key\"\n");
        let inside = format!("{audit}[secret]\nkey = \"0b\"\n");
        let lone = format!("{LEAST}[secret]\nprevious_key_files = [\"old.key\"]\n");
        for (text, variables, said) in [
            (&audit, &bad, "environment variable GUILLOCHE_SECRET_KEY: secret.key: a key has 64"),
            (&missing, &environment(&[]), "secret.key_file: nowhere.key cannot be read"),
            (&inside, &environment(&[]), "secret.key: is a secret"),
            (&audit, &environment(&[]), "secret.key_file: is required with an audit file"),
            (&lone, &environment(&[]), "secret.previous_key_files: means nothing without"),
        ] {
            let errors = Config::parse("g.toml", text, variables).unwrap_err();
            let [error] = errors.0.as_slice() else { panic!("{errors}") };
            assert!(error.to_string().contains(said), "{error}");
        }
    }

    #[test]
    fn the_secrets_of_before_are_read_in_their_order() {
        let folder = Folder::new("secrets");
        for name in ["new.key", "old.key", "older.key"] {
            folder.secret(name, 0o600);
        }
        let with = |files: &str| {
            let text = format!(
                "{LEAST}[secret]\nkey_file = \"new.key\"\nprevious_key_files = [{files}]\n"
            );
            Config::load(folder.write("g.toml", &text), &environment(&[]))
        };
        assert_eq!(with("\"old.key\", \"older.key\"").unwrap().previous_secrets.len(), 2);
        let errors = with("\"old.key\", \"nowhere.key\"").unwrap_err().to_string();
        assert!(
            errors.contains("secret.previous_key_files: ") && errors.contains("nowhere.key cannot")
        );
    }

    #[cfg(unix)]
    #[test]
    fn secrets_that_others_can_read_are_pointed_at() {
        let folder = Folder::new("modes");
        for (name, mode) in [("risk.key", 0o644), ("account.key", 0o660), ("secret.key", 0o604)] {
            folder.secret(name, mode);
        }
        folder.secret("good.key", 0o600);
        let text = format!(
            "{LEAST}[secret]\nkey_file = \"secret.key\"\n[risk]\ntrust = \"signature\"\nkeys = [\n\
             {{ id = \"a\", file = \"good.key\" }},\n{{ id = \"b\", file = \"risk.key\" }}]\n\
             account_key = {{ file = \"account.key\" }}\n"
        );
        let path = folder.write("g.toml", &text);
        let notices = Config::load(&path, &environment(&[])).unwrap().notices;
        assert_eq!(notices.len(), 3, "{notices:#?}");
        for said in [
            "g.toml:9: risk.keys[1].file: ",
            "risk.account_key.file: ",
            "g.toml:4: secret.key_file: ",
            "risk.key: the file mode is 644; no one but its owner should have access (chmod 600)",
        ] {
            assert!(notices.iter().any(|notice| notice.contains(said)), "{said}: {notices:#?}");
        }
    }

    #[test]
    fn the_risk_section_is_read_by_its_own_room() {
        let text = format!("{LEAST}[risk]\ntrust = \"peer\"\nclock_skew = 5\n");
        let variables = environment(&[("GUILLOCHE_RISK_CLOCK_SKEW", "7")]);
        let config = Config::parse("g.toml", &text, &variables).unwrap();
        assert_eq!(config.risk.unwrap().clock_skew, Duration::from_secs(7));
        let text = format!("{LEAST}[risk]\ntrust = \"peer\"\ntrsut = 1\n");
        let errors = Config::parse("g.toml", &text, &environment(&[])).unwrap_err();
        assert!(lines(&errors)[0].starts_with("g.toml:5: risk: "), "{errors}");
    }

    #[test]
    fn the_secret_comes_from_the_environment_and_is_never_repeated() {
        let text = format!("{LEAST}[audit]\nfile = \"audit.jsonl\"\n");
        let key = "ab".repeat(32);
        let config =
            Config::parse("g.toml", &text, &environment(&[("GUILLOCHE_SECRET_KEY", &key)]))
                .unwrap();
        assert!(!format!("{config:?}").contains("abab"));
        let wrong =
            Config::parse("g.toml", &text, &environment(&[("GUILLOCHE_SECRET_KEY", "abab")]));
        let shown = wrong.unwrap_err().to_string();
        assert!(shown.contains("64 hexadecimal digits") && !shown.contains("abab"), "{shown}");
    }

    #[test]
    fn carriers_stand_in_the_order_of_preference_and_are_set_in_sections_of_their_own() {
        let text = format!(
            "{LEAST}[marks]\ncarriers = [\"sglang\", \"vllm_xargs\", \"lexical\"]\nprobe = \"required\"\n\
             [marks.sglang]\ncontext_window = 1\n[marks.vllm_xargs]\ndelta = 3\ngamma = 0.5\n"
        );
        let variables = environment(&[("GUILLOCHE_MARKS_VLLM_XARGS_KEY", "principal")]);
        let config = Config::parse("g.toml", &text, &variables).unwrap();
        let names: Vec<&str> =
            config.carriers.order().iter().map(|setting| setting.carrier().name()).collect();
        assert_eq!(names, ["sglang", "vllm_xargs", "lexical"]);
        assert_eq!(config.probe, Probe::Required);
        let shown = format!("{:?}", config.carriers.order());
        for said in ["context_window: 1,", "delta: 3.0", "gamma: 0.5", "key_of: Principal"] {
            assert!(shown.replace(" }", ",").contains(said), "{said}: {shown}");
        }
        assert!(config.marks.is_none(), "the keys are another's to read");
        let toml = environment(&[("GUILLOCHE_MARKS_CARRIERS", "[\"vllm\", 'lexical']")]);
        let variables = environment(&[("GUILLOCHE_MARKS_CARRIERS", "vllm,lexical")]);
        let [one, other] =
            [&toml, &variables].map(|it| Config::parse("g.toml", LEAST, it).unwrap());
        assert_eq!(format!("{:?}", one.carriers), format!("{:?}", other.carriers));
        let config = Config::parse("g.toml", LEAST, &variables).unwrap();
        assert_eq!(config.carriers.order().len(), 2);
    }

    #[test]
    fn what_is_wrong_with_carriers_is_named_with_its_line_and_field() {
        let text = format!(
            "{LEAST}[marks]\ncarriers = [\"sglang\", \"sglang\"]\nprobe = 1\n[marks.sglang]\n\
             context_window = 65\ncontxt_window = 1\n[marks.vllm_xargs]\ngamma = 1.0\ndelta = \"2\"\n\
             seeding_scheme = \"a b\"\nkey = \"mine\"\n[marks.logit_bias]\nentries = 1\ndelta = 2.5\n"
        );
        let errors = Config::parse("g.toml", &text, &environment(&[])).unwrap_err();
        let lines = lines(&errors);
        let starts = [
            "g.toml:4: marks.carriers: expected a list of carriers, each at most once",
            "g.toml:5: marks.probe: expected true, false or \"required\"",
            "g.toml:7: marks.sglang.context_window: must be from 1 to 64",
            "g.toml:8: marks.sglang.contxt_window: is no field; the section has: context_window",
            "g.toml:10: marks.vllm_xargs.gamma: must be between 0 and 1",
            "g.toml:11: marks.vllm_xargs.delta: expected a number",
            "g.toml:12: marks.vllm_xargs.seeding_scheme: expected a seeding scheme of vllm-sbw",
            "g.toml:13: marks.vllm_xargs.key: expected \"deployment\"",
            "g.toml:15: marks.logit_bias.entries: must be at least 2",
            "g.toml:16: marks.logit_bias.delta: must be above 0 and at most 2",
        ];
        assert_eq!(lines.len(), starts.len(), "{lines:#?}");
        for (line, start) in lines.iter().zip(starts) {
            assert!(line.starts_with(start), "{start}: {lines:#?}");
        }
    }

    #[test]
    fn a_bias_needs_the_tokenizer_of_the_model() {
        let carriers = "[marks]\ncarriers = [\"logit_bias\"]\n";
        let text = format!("{LEAST}{carriers}");
        let errors = Config::parse("g.toml", &text, &environment(&[])).unwrap_err();
        let message = "g.toml: marks.logit_bias.tokenizer: is required with the carrier logit_bias";
        assert!(lines(&errors)[0].starts_with(message), "{errors}");

        let section = "[marks.logit_bias]\ntokenizer = \"/nonexistent/tokenizer.json\"\n";
        let text = format!("{LEAST}{carriers}{section}");
        let errors = Config::parse("g.toml", &text, &environment(&[])).unwrap_err();
        let said = &lines(&errors)[0];
        assert!(said.starts_with("g.toml:6: marks.logit_bias.tokenizer: cannot be "), "{said}");
        // Without the feature the file is not looked at, and the error says how to get it.
        assert_eq!(said.contains("--features tokenizers"), !cfg!(feature = "tokenizers"), "{said}");
    }
}
