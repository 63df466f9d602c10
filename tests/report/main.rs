//! The report on a verdict: its structure, its numbers, and what hostile names do to it.
#![cfg(feature = "forensics")]
#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod reader;
mod verdicts;

use std::sync::OnceLock;

use guilloche::forensics::examination::{
    ControlKind, Method, Named, Outcome, PValue, Verdict, conclude,
};
use guilloche::forensics::report::{Run, page};

use self::reader::Page;

/// The page, read by a parser of another hand; kept where a developer can look at it.
fn read(name: &str, verdict: &Verdict, run: &Run) -> Page {
    let html = page(verdict, run);
    std::fs::write(format!("{}/report-{name}.html", env!("CARGO_TARGET_TMPDIR")), &html).unwrap();
    Page::read(&html)
}

fn run() -> Run {
    let command = [
        "/usr/local/bin/guilloche",
        "verify",
        "--keys",
        "/etc/guilloche/keys.toml",
        "--suspect",
        "/home/analyst/case-12/suspect answers.jsonl.zst",
        "--control",
        "base=/data/controls/other-model.jsonl",
        "--decoys",
        "10000",
    ];
    let made = Some("2026-11-23T03:32:00Z".parse().unwrap());
    Run { made, command: command.map(Into::into).into() }
}

fn exposed() -> Verdict {
    static VERDICT: OnceLock<Verdict> = OnceLock::new();
    VERDICT.get_or_init(|| verdicts::exposed(2_000)).clone()
}

fn shown(page: &Page, p: PValue) -> bool {
    page.values("value").any(|value| value == p.to_string())
}

#[test]
fn every_part_is_there_in_its_order() {
    let verdict = exposed();
    let page = read("exposed", &verdict, &run());
    let numbers: Vec<&str> =
        page.headings.iter().filter_map(|heading| heading.split(' ').next()).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"]);
    assert!(page.title.ends_with("exposed"));
    assert_eq!(page.h1.replace(" × 10−", "e-"), verdict.sentence);
    assert!(page.text.contains(&verdict.caveat));
    assert_eq!(page.values("role").filter(|role| *role == "img").count(), 3);
    for promise in [
        "published lawfully",
        "within an organisation",
        "Not intent",
        "paraphrase destroys",
        "no proof of innocence",
    ] {
        assert!(page.text.contains(promise), "{promise}");
    }
}

#[test]
fn the_numbers_are_those_of_the_verdict() {
    let verdict = exposed();
    let page = read("exposed", &verdict, &run());
    for test in &verdict.deployments {
        assert!(shown(&page, test.p) && shown(&page, test.p_adjusted), "{test:?}");
        assert!(shown(&page, test.decoys.p) && shown(&page, test.p_hoeffding.unwrap()));
    }
    for control in &verdict.controls {
        assert!(shown(&page, control.p), "{control:?}");
    }
    for level in [&verdict.clusters, &verdict.accounts] {
        for test in &level.strongest {
            assert!(shown(&page, test.p) && page.text.contains(&test.id), "{test:?}");
        }
        let gap = format!("The gap to the next is {:.1} standard", level.gap.unwrap());
        assert!(page.text.contains(&gap), "{gap}");
    }
    for number in ["11,803", "3,911,204", "48,377", "1,932", "244", "12,044"] {
        assert!(page.text.contains(number), "{number}");
    }
    let histogram = &verdict.deployments[0].decoys.histogram;
    let bars = page
        .attributes
        .iter()
        .filter(|(name, key, value)| name == "rect" && key == "class" && value == "bar");
    let filled = histogram.counts.iter().filter(|count| **count > 0).count();
    let accounts = verdict.accounts.strongest.len() + verdict.clusters.strongest.len();
    assert_eq!(bars.count(), filled + accounts);
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    let page = read("exposed", &exposed(), &run());
    assert!(!page.html.contains("http:") && !page.html.contains("https:"));
    assert!(
        !page.html.contains("//") && !page.html.contains("url(") && !page.html.contains("@import")
    );
    for element in ["script", "link", "img", "iframe", "object", "embed", "form", "image", "use"] {
        assert!(!page.elements.contains(element), "{element}");
    }
    let handler = |key: &str| key.starts_with("on") || ["src", "style", "srcset"].contains(&key);
    assert!(page.attributes.iter().all(|(_, key, _)| !handler(key)));
    assert!(
        page.attributes
            .iter()
            .filter(|(_, key, _)| key == "href")
            .all(|(.., to)| to.starts_with('#'))
    );
    assert!(page.values("content").any(|policy| policy.starts_with("default-src 'none'")));
}

#[test]
fn references_lead_to_what_is_there_and_ids_are_there_once() {
    let page = read("exposed", &exposed(), &run());
    let mut ids: Vec<&str> = page.values("id").collect();
    let number = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), number);
    let references = page.values("href").filter_map(|to| to.strip_prefix('#'));
    let labels = page.values("aria-labelledby").chain(page.values("aria-describedby"));
    for reference in references.chain(labels) {
        assert!(ids.contains(&reference), "{reference}");
    }
}

#[test]
fn hostile_names_stay_names() {
    let hostile = "</bdi><script>alert(1)</script>\u{202e}\u{200b}&amp;'\" onload=\"x\0\u{1b}[31m";
    let mut scheme = verdicts::scheme(vec![]);
    scheme.deployments = verdicts::exposed_deployments(1_000);
    scheme.deployments[0].tenant = format!("tenant {hostile}");
    scheme.material.scheme = format!("scheme {hostile}");
    scheme.material.rules = hostile.into();
    scheme.material.files = vec![verdicts::file(&format!("/secret/directory/file {hostile}"))];
    scheme.material.files[0].problems = vec![hostile.into()];
    scheme.clusters = vec![verdicts::id(&format!("ring {hostile}"), 12.0, None)];
    scheme.accounts = vec![
        verdicts::id(&format!("acct {hostile}"), 11.0, Some(0)),
        verdicts::id(&"long ".repeat(10_000), 10.9, Some(0)),
        verdicts::id("", 10.8, Some(0)),
        verdicts::id("z\u{351}\u{352}\u{353}\u{354}\u{355}", 1.0, None),
    ];
    let never = verdicts::control(hostile, ControlKind::NeverIssued, 0.3);
    scheme.controls = vec![verdicts::control(hostile, ControlKind::Text, 0.5), never];
    let mut method = verdicts::method();
    method.subject = hostile.into();
    method.notes = vec![hostile.into()];
    method.plan_hash = hostile.into();
    let mut run = run();
    run.command.push(hostile.into());

    let verdict = conclude(vec![scheme], vec![], method);
    assert_eq!(verdict.outcome, Outcome::Exposed);
    let page = read("hostile", &verdict, &run);
    assert!(!page.elements.contains("script"));
    assert!(page.attributes.iter().all(|(_, key, _)| !key.starts_with("on")));
    for character in ['\u{202e}', '\u{200b}', '\0', '\u{1b}', '\u{354}'] {
        assert!(!page.text.contains(character), "{character:?}");
        assert!(page.values("aria-label").all(|value| !value.contains(character)));
    }
    assert!(page.text.contains("acct </bdi><script>alert(1)") && page.text.contains("\\u{202e}"));
    assert!(page.text.contains("[50000 characters, BLAKE3 ") && page.text.contains("(no name)"));
    assert!(!page.html.contains("/secret") && !page.html.contains("/home"));
    assert!(page.html.len() < 300_000, "{}", page.html.len());
}

#[test]
fn no_directory_is_told() {
    let page = read("exposed", &exposed(), &run());
    for directory in ["/home", "case-12", "/data/controls", "controls/", "/etc", "/usr"] {
        assert!(!page.html.contains(directory), "{directory}");
    }
    assert!(page.text.contains("verify --keys keys.toml --suspect 'suspect answers.jsonl.zst'"));
}

#[test]
fn a_verdict_on_nothing_and_one_that_found_nothing_have_pages() {
    let page = read("empty", &conclude(vec![], vec![], Method::default()), &Run::default());
    assert!(page.title.ends_with("refused") && page.h1.starts_with("No answer is given"));
    assert!(page.text.contains("No key of a deployment was tested"));
    assert!(!page.elements.contains("time") && !page.elements.contains("pre"));

    let verdict = verdicts::not_shown();
    assert_eq!(verdict.outcome, Outcome::NotShown);
    let page = read("not-shown", &verdict, &run());
    assert!(page.h1.starts_with("It was not shown"));
    assert!(page.text.contains("does not show that nothing is there"));
    assert!(page.text.contains("No account is named."));
}

#[test]
fn a_refusal_tells_its_reasons_and_names_nobody() {
    let verdict = verdicts::refused();
    assert_eq!(verdict.outcome, Outcome::Refused);
    let page = read("refused", &verdict, &run());
    assert!(page.text.contains("contaminated.jsonl\" found a mark where there is none"));
    assert!(page.text.contains("yes: no answer is given"));
    assert!(!page.text.contains("acct-0017"));
    assert_eq!(page.values("class").filter(|class| *class == "void").count(), 6);
}

#[test]
fn of_ten_thousand_accounts_and_epochs_the_strongest_are_shown() {
    let mut scheme = verdicts::scheme(vec![]);
    scheme.deployments = verdicts::exposed_deployments(1_000);
    let many = scheme.deployments[1].clone();
    scheme.deployments.extend((0..1_000).map(|_| many.clone()));
    scheme.material.files =
        (0..1_000).map(|number| verdicts::file(&format!("part-{number}"))).collect();
    let name = |number: u32| format!("{number:05} {}", "x".repeat(300));
    scheme.accounts = (0..10_000_u32)
        .map(|number| verdicts::id(&name(number), 60.0 - f64::from(number) / 1_000.0, None))
        .collect();
    let verdict = conclude(vec![scheme], vec![], verdicts::method());
    assert!(matches!(&verdict.accounts.consistent_with, Named::Each(ids) if ids.len() > 9_000));
    let page = read("many", &verdict, &run());
    assert!(page.html.len() < 300_000, "{}", page.html.len());
    assert!(page.text.contains("00000 xxx") && !page.text.contains("09000 xxx"));
    assert!(page.text.contains("more tests, all with larger p-values"));
    assert!(page.h1.contains("and 9,994 more"), "{}", page.h1);
}

#[test]
fn a_verdict_that_was_read_from_json_has_the_same_page() {
    let verdict = exposed();
    let json = serde_json::to_string(&verdict).unwrap();
    let again: Verdict = serde_json::from_str(&json).unwrap();
    assert_eq!(page(&again, &run()), page(&verdict, &run()));
}

#[test]
fn a_verdict_of_before_there_were_figures_has_a_page() {
    let mut json = serde_json::to_value(exposed()).unwrap();
    for test in json["deployments"].as_array_mut().unwrap() {
        for quantile in test["decoys"]["quantiles"].as_array_mut().unwrap() {
            quantile.as_object_mut().unwrap().remove("log10_p");
        }
    }
    for level in ["clusters", "accounts"] {
        json[level].as_object_mut().unwrap().remove("gap");
    }
    let page = read("before", &serde_json::from_value(json).unwrap(), &run());
    assert!(page.text.contains("The p-values of decoy keys were not worked out."));
}
