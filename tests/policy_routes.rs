//! `guilloche policy routes`

#[cfg(test)]
mod tests {
    use std::process::{Command, Output};

    use serde_json::Value;

    fn routes(arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
        command.args(["policy", "routes"]).args(arguments).output().unwrap()
    }

    fn listed(kind: &str) -> Vec<Value> {
        let output = routes(&["--upstream", kind, "--format", "json"]);
        assert!(output.status.success());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["upstream"], kind);
        report["routes"].as_array().unwrap().clone()
    }

    #[test]
    fn the_paths_of_a_kind_of_server_are_told_with_what_becomes_of_them() {
        let output = routes(&["--upstream", "vllm"]);
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let line = |path: &str| {
            let found = text.lines().find(|line| line.split_whitespace().nth(1) == Some(path));
            found.unwrap_or_else(|| panic!("{path} in\n{text}"))
        };
        assert!(line("…/chat/completions").ends_with("read: chat"));
        assert!(line("…/responses/{id}").ends_with("stored: responses"));
        assert!(line("…/tokenize").ends_with("no text"));
        assert!(line("/health").ends_with("open"));
        assert!(line("…/score").contains("refused: scores"));
    }

    #[test]
    fn each_kind_has_paths_of_its_own_and_a_verdict_about_each() {
        let custom = listed("custom");
        let engines = ["vllm", "sglang", "llama_cpp", "ollama", "tgi"];
        let vendors = ["openai", "anthropic", "gemini", "bedrock", "mistral"];
        for kind in engines.into_iter().chain(vendors) {
            let own = listed(kind);
            assert!(own.iter().any(|route| route["verdict"] == "read"), "{kind}");
            for route in own {
                let told = match route["verdict"].as_str().unwrap() {
                    "read" | "stored" => route["protocol"].is_string(),
                    "refused" => route["why"].is_string(),
                    "no_text" | "open" => true,
                    other => panic!("{other}"),
                };
                assert!(told, "{route}");
                let known = custom.iter().any(|other| other["path"] == route["path"]);
                assert!(known, "{kind} has {route}, of which nothing is known elsewhere");
            }
        }
    }

    #[test]
    fn a_kind_that_is_none_is_refused_with_those_that_are() {
        let output = routes(&["--upstream", "vLLM"]);
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("llama_cpp") && told.contains("custom"), "{told}");
    }
}
