//! Completions and manual pages, read by the programs that they are for.

use std::fs;
use std::process::Command;

use crate::support::{Machine, told};

/// Whether a program is there to be asked.
fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

#[test]
fn shells_take_the_completions() {
    let machine = Machine::new("completions");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (status, script, _) =
            told(&machine.guilloche(&["completions", shell]).output().unwrap());
        assert!(status == 0 && script.contains("policy") && script.contains("config"), "{shell}");
        assert!(!script.contains("bench-upstream"), "{shell}: what is hidden is shown");
        machine.write(shell, &script);
        if ["bash", "fish", "zsh"].contains(&shell) && is_installed(shell) {
            let read = machine.command(shell).args(["-n", shell]).output().unwrap();
            assert_eq!(told(&read), (0, String::new(), String::new()), "{shell}");
        }
    }
}

#[test]
fn bash_completes_commands_and_their_options() {
    if !is_installed("bash") {
        return;
    }
    let machine = Machine::new("bash");
    for (words, expected) in [
        ("guilloche heal", "health"),
        ("guilloche policy exp", "explain"),
        ("guilloche init --mar", "--marks"),
    ] {
        let line = format!(
            "source <(guilloche completions bash); COMP_WORDS=({words}); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _guilloche guilloche \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; \
             echo \"${{COMPREPLY[*]}}\""
        );
        let output = machine.command("bash").args(["-c", &line]).output().unwrap();
        assert_eq!(told(&output).1.trim(), expected, "{words}");
    }
}

#[test]
fn manual_pages_are_read_without_a_warning() {
    let machine = Machine::new("man");
    let output = machine.guilloche(&["man", "--output", "man1"]).output().unwrap();
    assert_eq!(told(&output), (0, String::new(), String::new()));
    let pages = machine.files();
    for page in ["guilloche.1", "guilloche-serve.1", "guilloche-policy-check.1"] {
        assert!(pages.contains(&format!("man1/{page}")), "{pages:?}");
    }
    assert!(!pages.iter().any(|page| page.contains("bench-")), "{pages:?}");
    let serve = fs::read_to_string(machine.folder.join("man1/guilloche-serve.1")).unwrap();
    assert!(serve.contains("GUILLOCHE_CONFIG"), "{serve}");
    if !is_installed("groff") {
        return;
    }
    for page in pages.iter().filter(|page| page.ends_with(".1")) {
        let output =
            machine.command("groff").args(["-Kutf8", "-man", "-Tutf8", "-ww", "-z", page]).output();
        assert_eq!(told(&output.unwrap()), (0, String::new(), String::new()), "{page}");
    }
}

/// Fails when a page tells of a command or an option that there is none of.
#[test]
fn commands_that_the_documentation_names_are_there() {
    let machine = Machine::new("documented");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for page in ["README.md", "SECURITY.md", "docs/operations.md", "docs/configuration.md"] {
        let text = fs::read_to_string(root.join(page)).unwrap();
        for (start, _) in text.match_indices("guilloche ") {
            let before = text.get(..start).unwrap();
            // As code, and not in a sentence.
            if !["`", "\n", "&& "].iter().any(|it| before.ends_with(it)) {
                continue;
            }
            let rest = text.get(start + "guilloche ".len()..).unwrap();
            let line = rest.split(['`', '\n', '|', '&', '>', '<']).next().unwrap();
            let words: Vec<&str> = line.split(' ').collect();
            let is_command = |word: &&&str| {
                !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
            };
            let commands: Vec<&str> =
                words.iter().take_while(is_command).take(2).copied().collect();
            let Some(first) = commands.first() else { continue };
            let help = |words: &[&str]| {
                let output = machine.command("guilloche").args(words).arg("--help").output();
                told(&output.unwrap())
            };
            let (mut status, mut said, _) = help(&commands);
            if status != 0 {
                (status, said, _) = help(&[first]);
            }
            if before.ends_with('\n') && status != 0 && !line.contains("--") {
                // A sentence that begins with the name.
                continue;
            }
            assert_eq!(status, 0, "{page}: guilloche {line}");
            for option in words.iter().filter(|word| word.starts_with("--")) {
                assert!(said.contains(option), "{page}: guilloche {line}: {option}");
            }
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}
