//! No type prints a key, or what people wrote. Whatever holds text of a client's, a model's or a
//! detector's hides it by its type (`Secret`, `Redacted`) or prints as its name alone; what may be
//! shown is listed here, with the reason.

#![expect(clippy::string_slice, clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms whose text is the operator's own: arguments, a model that answers sums, findings that are
/// made to be read.
const OWN: [&str; 23] = [
    "src/cli/",
    "src/experiment/analysis/history.rs",
    "src/experiment/analysis/planning/",
    "src/experiment/analysis/report/",
    "src/experiment/differences.rs",
    "src/experiment/experiments.rs",
    "src/experiment/file.rs",
    "src/experiment/metric.rs",
    "src/experiment/register/journal.rs",
    "src/experiment/running/",
    "src/experiment/replay/",
    "src/experiment/outcomes/mod.rs",
    "src/experiment/settings.rs",
    "src/experiment/simulation/",
    "src/teacher/",
    "src/forensics/examination/",
    "src/forensics/evidence/",
    "src/forensics/report/",
    "src/page/",
    "src/policy/",
    "src/proxy/config/",
    "src/review/",
    "src/stats/",
];

/// Types whose text comes from the operator, from this crate or from the detector, or names no one
/// and is shown by purpose.
const LISTED: [&str; 73] = [
    // What an endpoint says of its failure, which its user has to read.
    "src/ask/endpoint.rs: Failure",
    "src/ask/run.rs: Report",
    // An analyst's files, and our own names of what is absent.
    "src/audit/entry.rs: EntryError",
    "src/audit/reader.rs: FileRead",
    // Records are written to be read; they name callers by keyed hashes.
    "src/audit/passed.rs: Passed",
    "src/audit/record.rs: Record",
    "src/audit/record.rs: DecisionName",
    "src/audit/record.rs: Risk",
    "src/audit/record.rs: PolicyIdentity",
    "src/audit/record.rs: Applied",
    "src/audit/unit.rs: ExperimentName",
    "src/audit/unit.rs: Exposure",
    "src/audit/unit.rs: ArmDecision",
    "src/audit/unit.rs: UnitSummary",
    // Sums as bytes.
    "src/experiment/analysis/rows.rs: Rows",
    // The words of policies and experiments.
    "src/mark/keys/marking.rs: ArmMark",
    "src/countermeasure/side_channels.rs: Closing",
    "src/countermeasure/watermark/carriers/vllm_xargs.rs: VllmXargs",
    "src/wire/generation.rs: Setting",
    // Constants of the protocols.
    "src/wire/protocol_id.rs: Features",
    "src/wire/refusal.rs: Refusal",
    // Rules of counting, and fields that the analyst names.
    "src/forensics/corpus/field.rs: FieldPath",
    "src/forensics/corpus/record.rs: RecordProblem",
    "src/forensics/detect/cells.rs: CellCounts",
    "src/forensics/detect/law.rs: LawCounts",
    "src/forensics/detect/sites.rs: MergeError",
    "src/forensics/detect/sites.rs: TokenSites",
    "src/forensics/detect/unigram.rs: TokenCounts",
    "src/forensics/tracing/commitment.rs: Plan",
    // Header fields of our own.
    "src/limit/fields.rs: RateLimitFields",
    "src/limit/fields.rs: FieldNames",
    // The lexicon, and the fingerprint of a key file.
    "src/proxy/reload/swap.rs: Swap",
    "src/proxy/run.rs: Proxy",
    "src/mark/law/rates.rs: ClassRate",
    "src/mark/ledger/own.rs: LedgerError",
    "src/mark/ledger/own.rs: OwnEntries",
    "src/mark/ledger/tally.rs: Tally",
    "src/mark/lexicon/guard.rs: Left",
    "src/mark/lexicon/guard.rs: Right",
    "src/mark/lexicon/guard.rs: Contexts",
    "src/mark/lexicon/mod.rs: Class",
    "src/mark/lexicon/mod.rs: Form",
    "src/mark/lexicon/read.rs: LexiconProblem",
    "src/mark/lexicon/vocabulary.rs: Known",
    "src/mark/lexicon/vocabulary.rs: Vocabulary",
    // Paths as the access log has them, origins, and frames' heads.
    "src/proxy/cors.rs: Allowed",
    "src/proxy/delivery.rs: Frames",
    "src/proxy/report.rs: ExchangeReport",
    "src/proxy/report.rs: Line",
    // The names of an experiment's arms.
    "src/layer/arms.rs: Chosen",
    "src/layer/exchange.rs: Exchange",
    "src/layer/trials.rs: Tries",
    // The configuration's words.
    "src/proxy/admin.rs: Admin",
    "src/proxy/history.rs: Served",
    "src/proxy/probe/conversation.rs: Conversation",
    "src/proxy/probe/conversation.rs: NotNow",
    "src/proxy/probe/mod.rs: Unproven",
    "src/proxy/rehearsal.rs: Rehearsal",
    "src/proxy/reload/error.rs: ReloadError",
    "src/proxy/reload/mod.rs: Reloaded",
    "src/proxy/reload/state.rs: Last",
    "src/proxy/traffic.rs: Glance",
    "src/proxy/traffic.rs: Named",
    "src/risk/certified.rs: CertifiedPeer",
    "src/proxy/probe/trial.rs: Verdict",
    "src/proxy/stack.rs: Stack",
    "src/proxy/stack.rs: Live",
    "src/proxy/start_error.rs: StartError",
    "src/risk/settings/error.rs: SettingError",
    "src/risk/settings/error.rs: SettingProblem",
    "src/risk/settings.rs: RiskSettings",
    "src/risk/settings.rs: KeySettings",
    "src/risk/settings.rs: SecretSettings",
];

/// The detector's words about a caller: labels, a model's name.
const DETECTORS: [&str; 3] = [
    "src/risk/score.rs: RiskScore",
    "src/risk/signer.rs: Signer",
    "src/risk/source.rs: SignedHeader",
];

/// Whether a field of this type may hold text or bytes.
fn holds_text(line: &str) -> bool {
    const TEXTS: [&str; 8] =
        ["String", "Bytes", "Vec<u8>", "[u8; ", "Box<str>", "Arc<str>", "Cow<", "HeaderValue"];
    let line = line.trim();
    // A variant of the same name holds nothing; nor does a type that ends alike.
    let named = |text: &&str| {
        let before = line.find(*text).and_then(|at| line[..at].chars().next_back());
        before.is_some_and(|before| !before.is_alphanumeric())
    };
    let borrowed = line.contains('&') && (line.contains("str") || line.contains("[u8]"));
    let fixed = line.contains("&'static str");
    (borrowed && !fixed || TEXTS.iter().any(named)) && !line.contains("Redacted<")
}

/// The names of the types that derive `Debug` and have such a field.
fn showing(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("#[derive(") {
        rest = &rest[at + "#[derive(".len()..];
        let Some((derived, after)) = rest.split_once(")]") else { break };
        let item = after.split("#[derive(").next().unwrap_or_default();
        let Some(at) = ["struct ", "enum "].iter().filter_map(|kind| item.find(kind)).min() else {
            continue;
        };
        let item = item[at..].split_once(' ').unwrap().1;
        let name = item.split(|it: char| !it.is_alphanumeric()).next().unwrap_or_default();
        let body = body(&item[name.len()..]);
        let code = body.lines().filter_map(|line| line.split("//").next());
        let mut fields = code.filter(|line| !line.trim_start().starts_with("#["));
        if derived.split(',').any(|it| it.trim() == "Debug") && fields.any(holds_text) {
            found.push(name);
        }
    }
    found
}

/// What stands between the brackets behind a type's name.
fn body(item: &str) -> &str {
    let Some(open) = item.find(['{', '(', ';']) else { return "" };
    let mut depth = 0;
    for (at, character) in item[open..].char_indices() {
        match character {
            '{' | '(' => depth += 1,
            '}' | ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &item[open..open + at];
        }
    }
    ""
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_type_that_derives_debug_holds_text_unhidden() {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    files.sort();
    let mut shown = Vec::new();
    for file in files {
        let path = file.display().to_string();
        if OWN.iter().any(|room| path.starts_with(room)) || path.contains("/tests/") {
            continue;
        }
        let source = fs::read_to_string(&file).unwrap();
        shown.extend(showing(&source).into_iter().map(|name| format!("{path}: {name}")));
    }
    let listed = || LISTED.iter().chain(&DETECTORS);
    let wrong: Vec<_> = shown.iter().filter(|name| !listed().any(|it| it == name)).collect();
    assert!(wrong.is_empty(), "these types show text that they hold: {wrong:#?}");
    let gone: Vec<_> = listed().filter(|name| !shown.iter().any(|it| it == *name)).collect();
    assert!(gone.is_empty(), "these show nothing any more: {gone:#?}");
}

/// What stands in every text below, and the byte that every key below is made of.
const SAID: &str = "zebra";
const KEY: [u8; 32] = [171; 32];

/// Formats values that hold either, of all rooms through which either passes.
fn printed() -> Vec<String> {
    use std::sync::Arc;

    use guilloche::audit::AuditKey;
    use guilloche::countermeasure::{RequestEdits, Tally};
    use guilloche::forensics::corpus::Document;
    use guilloche::layer::DefenseLayer;
    use guilloche::limit::Subject;
    use guilloche::mark::cell::{KeyName, MarkKey, Purpose, Role, Roles};
    use guilloche::mark::keys::{Keys, Recipient};
    use guilloche::mark::law::{BucketKey, Canaries, PassageKey};
    use guilloche::mark::lexical::{Rewriter, each_site};
    use guilloche::mark::lexicon::Lexicon;
    use guilloche::policy::Policy;
    use guilloche::policy::plan::Plan;
    use guilloche::risk::{AccountId, Credentials, Principal, SigningKey};
    use guilloche::secret::{Redacted, Secret};
    use guilloche::wire::framing::{Event, Framing, Splitter};
    use guilloche::wire::json::{Edit, Reader};
    use guilloche::wire::{Protocol, Scan, Scanner, Target};

    let policy = || {
        let text = "version = 1\nname = \"p\"\nmode = \"enforce\"\n\
                    [[grade]]\nname = \"g\"\nat = 0.5\nreasoning = { keep = \"none\" }\n";
        Policy::parse("p.toml", text).unwrap()
    };
    let keys = Keys::from_master(&KEY, jiff::Timestamp::UNIX_EPOCH);
    let lexicon = Lexicon::english();
    let roles = Arc::new(Roles::new(keys.master(), lexicon.cells()));
    let marked = Recipient { tenant: SAID, account: SAID, cluster: Some(SAID), arm: None };
    let marking = keys.marking(&roles, keys.current(), marked, 1.0);
    let name = KeyName {
        purpose: Purpose::Lexical,
        tenant: SAID,
        epoch: 1,
        role: Role::Account,
        id: SAID,
    };
    let mut rewriter = Rewriter::new(lexicon, &marking);
    rewriter
        .push(&format!("The {SAID} that you need. In addition, the {SAID}"), &mut String::new());
    let mut shown = vec![
        format!("{:?}", Secret::new(KEY)),
        format!("{:?}", Redacted::new(SAID)),
        format!("{:?}", AuditKey::new(KEY)),
        format!("{keys:?} {roles:?} {marked:?} {name:?} {rewriter:?}"),
        format!("{:?}", MarkKey::derive(keys.master(), &name)),
        format!("{:?}", PassageKey::of(&BucketKey::from_bytes(KEY))),
        format!("{:?}", Canaries::of_key(MarkKey::from_bytes(KEY))),
        format!("{:?}", Subject::derive(&KEY, "account", SAID.as_bytes())),
        format!("{:?}", Principal::of(AccountId::new(SAID).unwrap())),
        format!("{:?}", Credentials::with_secret(&KEY)),
        format!("{:?}", SigningKey::new("k", &KEY).unwrap()),
        format!("{:?}", DefenseLayer::builder(policy()).secret(KEY)),
        format!("{:?}", DefenseLayer::builder(policy()).secret(KEY).build().unwrap()),
        format!("{:?}", Document { text: SAID, prompts: &[SAID.into()] }),
    ];
    let site = format!("The {SAID} can often sort it. For example, it is often the {SAID}.");
    each_site(lexicon, &site, |site| shown.push(format!("{site:?}")));

    let body = format!(
        r#"{{"model":"{SAID}","stop":["{SAID}"],"messages":[{{"role":"user","content":"{SAID}"}}]}}"#
    );
    let event = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{SAID}\"}}}}]}}\n\n");
    let mut splitter = Splitter::new(Framing::Sse, 1 << 20);
    splitter.push(event.clone().into_bytes().into());
    let block = Event::parse(Framing::Sse, event.as_bytes());
    let payload = block.payload().unwrap().into_owned();
    shown.push(format!("{splitter:?} {block:?} {:?}", Edit::text(0..0, SAID)));
    shown.push(format!("{:?}", Reader::new(body.as_bytes())));
    let protocols: [&'static dyn Protocol; 2] =
        [&guilloche::wire::chat::Chat, &guilloche::wire::messages::Messages];
    for protocol in protocols {
        let request = protocol.scan_request(Target::default(), body.as_bytes()).unwrap();
        let (mut scan, mut scanner) = (Scan::default(), Scanner::new(protocol));
        scanner.scan(block.stated(), &payload, &mut scan).unwrap();
        scanner.scan(block.stated(), &payload, &mut scan).unwrap();
        shown.push(format!("{request:?} {scan:?} {scanner:?}"));
        let counts = &mut Tally::default();
        let plan = Plan::default();
        let edits = RequestEdits::of(&plan, protocol, &request, None, counts).unwrap();
        shown.push(format!("{edits:?} {:?}", edits.edits));
        let edited = edits.edits.apply(&request.target, body.clone().into_bytes().into());
        shown.push(format!("{edited:?} {:?}", request.models));
    }
    shown
}

#[test]
fn what_holds_a_key_or_a_text_prints_neither() {
    let shown = printed();
    assert!(shown.len() > 16);
    let bytes = format!("{}, {}", KEY[0], KEY[1]);
    let digits = "ab".repeat(4);
    for printed in shown {
        for hidden in [SAID, &bytes, &digits] {
            assert!(!printed.contains(hidden), "{hidden} in {printed}");
        }
    }
}
