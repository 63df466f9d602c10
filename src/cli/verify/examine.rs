//! `guilloche verify`: from files to a verdict.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::{Answer, Failure, Format};
use super::commit::{digests, names};
use super::inputs::{ControlFile, Rosters, Seed};
use super::progress::Progress;
use super::text::write_text;
use crate::corpus::{Counted, FieldPath, Prompts, count_lexical};
use crate::mark::detect::LexicalSites;
use crate::mark::evidence::Decoys;
use crate::mark::examination::{
    Committed, CommittedPlan, Method, Outcome, Sample, SchemeTests, Verdict, conclude,
    plan_commitment, test_lexical,
};
use crate::mark::keys::Keys;
use crate::mark::tracing::Plan;

/// Decoy keys where no number is given.
pub(super) const DECOYS: u32 = 10_000;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Key file
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// Ledger; without it nobody can be named
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Texts of the suspect: JSONL, plain text or counts, also gzip or zstd; `-` is standard input
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    suspect: Vec<PathBuf>,
    /// Text that cannot be marked: of another model, or from before; several files may have one
    /// name
    #[arg(long, value_name = "[NAME=]FILE")]
    control: Vec<ControlFile>,
    /// Prompts whose contexts are left out everywhere
    #[arg(long, num_args = 1.., value_name = "FILE")]
    prompts: Vec<PathBuf>,
    /// Where the text of a record stands, such as `output` or `choices.0.text`
    #[arg(long, value_name = "PATH")]
    field: Option<FieldPath>,
    /// Number of decoy keys [default: 10000]
    #[arg(long, value_name = "NUMBER")]
    decoys: Option<u32>,
    /// Seed of the decoy keys: 64 hexadecimal digits [default: follows from the keys]
    #[arg(long, value_name = "HEX")]
    seed: Option<Seed>,
    /// Plan that was written by `verify commit`; its seed, decoys and field are used
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "decoys", "field"])]
    committed: Option<PathBuf>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let format = arguments.format;
    let verdict = examine(arguments)?;
    let mut out = std::io::stdout().lock();
    match format {
        Format::Text => write_text(&mut out, &verdict)?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&verdict)?)?,
    }
    // A report in HTML is made of the verdict alone, here.
    Ok(match verdict.outcome {
        Outcome::Exposed => Answer::Done,
        Outcome::NotShown | Outcome::Refused => Answer::No,
    })
}

fn examine(arguments: Arguments) -> Result<Verdict, Failure> {
    let keys = Keys::read(&arguments.keys)?;
    let committed = arguments.committed.as_deref().map(read_commitment).transpose()?;
    let field = match &committed {
        Some((_, committed)) => committed.plan.field.as_deref().map(str::parse).transpose()?,
        None => arguments.field.clone(),
    };
    let most = committed.as_ref().map(|(_, committed)| committed.ledger_lines);
    let rosters = Rosters::read(&keys, arguments.ledger.as_deref(), most)?;
    let prompts = Prompts::read(&arguments.prompts, field.as_ref())?;
    let plan = plan(&arguments, &keys, field.as_ref(), &prompts, committed.as_ref());
    if let Some((path, committed)) = &committed {
        let checked = committed.check(&plan, &keys, &rosters.issuances);
        checked.map_err(|mismatch| format!("{}: {mismatch}", path.display()))?;
    }

    let read = |what: &str, paths: &[PathBuf]| {
        let mut progress = Progress::new(what);
        count_lexical(paths, field.as_ref(), &prompts, |bytes| progress.read(bytes))
    };
    let suspect = read("the suspect", &arguments.suspect)?;
    let controls: Vec<(String, Counted)> = by_name(arguments.control)
        .into_iter()
        .map(|(name, paths)| read(&name, &paths).map(|counted| (name, counted)))
        .collect::<Result<_, _>>()?;

    let tests = lexical(&keys, &rosters, &suspect, &controls, &plan);
    let method = method(&keys, &rosters, &plan, committed);
    Ok(conclude(vec![tests], Vec::new(), method))
}

fn lexical(
    keys: &Keys,
    rosters: &Rosters,
    suspect: &Counted,
    controls: &[(String, Counted)],
    plan: &Plan,
) -> SchemeTests {
    let decoys = Decoys::new(plan.decoy_seed, plan.decoys);
    let controls: Vec<Sample<'_>> =
        controls.iter().map(|(name, control)| sample(name, control)).collect();
    test_lexical(keys, &rosters.issuances, sample("suspect", suspect), &controls, &decoys)
}

fn sample<'a>(name: &'a str, counted: &'a Counted) -> Sample<'a> {
    let Counted { counts, material } = counted;
    Sample { name, counts, material }
}

fn read_commitment(path: &Path) -> Result<(PathBuf, CommittedPlan), Failure> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| at(&error))?;
    Ok((path.to_owned(), serde_json::from_str(&text).map_err(|error| at(&error))?))
}

fn plan(
    arguments: &Arguments,
    keys: &Keys,
    field: Option<&FieldPath>,
    prompts: &Prompts,
    committed: Option<&(PathBuf, CommittedPlan)>,
) -> Plan {
    let planned = committed.map(|(_, committed)| &committed.plan);
    let controls = arguments.control.iter().map(|control| control.name.clone()).collect();
    let suspects = || arguments.suspect.iter().map(|path| path.display().to_string());
    let seed = arguments.seed.unwrap_or(Seed::of(keys)).0;
    Plan {
        rules: LexicalSites::rules(),
        decoy_seed: planned.map_or(seed, |plan| plan.decoy_seed),
        decoys: planned.map_or(arguments.decoys.unwrap_or(DECOYS), |plan| plan.decoys),
        material: planned.map_or_else(
            || suspects().collect::<Vec<_>>().join(", "),
            |plan| plan.material.clone(),
        ),
        field: field.map(ToString::to_string),
        prompts: digests(prompts.files()),
        controls: names(controls),
    }
}

fn method(
    keys: &Keys,
    rosters: &Rosters,
    plan: &Plan,
    committed: Option<(PathBuf, CommittedPlan)>,
) -> Method {
    Method {
        plan_hash: plan_commitment(plan, &rosters.issuances).to_string(),
        committed: committed.map(|(path, committed)| Committed {
            file: path.display().to_string(),
            made: committed.made.to_string(),
        }),
        subject: plan.material.clone(),
        seed: blake3::Hash::from_bytes(plan.decoy_seed).to_string(),
        decoys: plan.decoys,
        key_fingerprint: keys.fingerprint(),
        ledger_lines: rosters.lines,
        ledger_lines_skipped: rosters.skipped,
        notes: NOTES.iter().map(|note| (*note).to_owned()).collect(),
    }
}

/// How the numbers were reached.
const NOTES: [&str; 5] = [
    "Under the hypothesis of no exposure the text does not depend on the secret key: the text is \
     held fixed, and the sign of every cell is a fair coin. The p-values are Chernoff bounds of \
     that law and hold whatever the text.",
    "Repeated documents count once; of a cell, a document counts at most two sites; contexts that \
     occur in a prompt are left out.",
    "Within each level (deployment, clusters, accounts) p-values are adjusted by Holm's method \
     over all ids, tenants, epochs and schemes, and no level opens before the one above it.",
    "Who is named has an adjusted p-value below the accusation level, and stands three standard \
     deviations clear of whoever is not.",
    "A control that finds a mark at an adjusted p-value below 0.001 refuses every answer.",
];

fn by_name(controls: Vec<ControlFile>) -> BTreeMap<String, Vec<PathBuf>> {
    let mut by_name: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for ControlFile { name, path } in controls {
        by_name.entry(name).or_default().push(path);
    }
    by_name
}
