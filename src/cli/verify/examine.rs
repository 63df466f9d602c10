//! `guilloche verify`: from files to a verdict.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::super::page_file::PageFile;
use super::super::progress::Progress;
use super::super::times::time;
use super::super::{Answer, Failure, Format, standard_output};
use super::ask::AskArguments;
use super::asked;
use super::inputs::{
    ControlFile, LedgerPart, Rosters, Seed, WrittenControls, control_files, issued_since, names,
};
use super::method::method;
use super::schemes::{SchemeArguments, Schemes, Texts};
use super::text::write_text;
use crate::forensics::corpus::{Corpus, Counted, FieldPath, Prompts, count_lexical};
use crate::forensics::evidence::Decoys;
use crate::forensics::examination::{
    AskedTests, CommittedPlan, ExportedTest, Issuance, LawSample, MarkedBy, Outcome, Refused,
    Sample, SchemeTests, Verdict, conclude_with, export_tests, test_law, test_lexical,
};
use crate::forensics::report::{Run, page};
use crate::forensics::tracing::Plan;
use crate::mark::keys::Keys;
use crate::mark::law::CountingKey;
use crate::new_file::{PRIVATE, can_be_created, create_with};

/// Decoy keys where no number is given.
pub(super) const DECOYS: u32 = 10_000;

#[derive(Debug, Args)]
#[group(id = "examination")]
pub(super) struct Arguments {
    /// Key file
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// Ledger; without it nobody can be named
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Time up to which entries of the ledger are read, such as 2026-11-01T00:00:00Z: before the
    /// text was at hand
    #[arg(long, value_name = "TIME", requires = "ledger", conflicts_with = "committed")]
    #[arg(value_parser = time)]
    ledger_until: Option<Timestamp>,
    /// Texts of the suspect: JSONL or plain text, also gzip or zstd; `-` is standard input
    #[arg(long, required_unless_present_any = ["ask", "asked", "suspect_counts"], num_args = 1.., value_name = "FILE")]
    suspect: Vec<PathBuf>,
    /// Answers of the suspect to the --prompts, which the examiner asked for: JSONL with the prompt of each, not
    /// compressed; with --committed the only text by which anybody is named
    #[arg(long, num_args = 1.., value_name = "FILE", requires = "prompts")]
    asked: Vec<PathBuf>,
    /// Prompts that accounts had sent, from your own records: none of the --prompts may be among them
    #[arg(long, num_args = 1.., value_name = "FILE", requires = "prompts")]
    sent: Vec<PathBuf>,
    /// Counts of texts of the suspect, made by `verify count`: believed as they are
    #[arg(long, num_args = 1.., value_name = "FILE")]
    suspect_counts: Vec<PathBuf>,
    /// Text that cannot be marked: of another model, or from before; several files may have one
    /// name
    #[arg(long, value_name = "[NAME=]FILE")]
    control: Vec<ControlFile>,
    /// Counts of such text, made by `verify count`
    #[arg(long, value_name = "[NAME=]FILE")]
    control_counts: Vec<ControlFile>,
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
    /// Also write each cell of the text with what the tested keys have for it, so that another program
    /// can do the sum again: for a court, under seal
    #[arg(long, value_name = "FILE")]
    cells: Option<PathBuf>,
    /// Also write the report as one page of HTML, which opens and prints from a file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub(super) fn run(
    arguments: Arguments,
    schemes: &SchemeArguments,
    asking: &AskArguments,
) -> Result<Answer, Failure> {
    let format = arguments.format;
    let report = arguments.report.as_deref().map(PageFile::create).transpose()?;
    if let Some(cells) = &arguments.cells {
        can_be_created(cells).map_err(|error| format!("{}: {error}", cells.display()))?;
    }
    let verdict = examine(arguments, schemes, asking)?;
    if let Some(report) = report {
        report.write(&page(&verdict, &Run::of_this_process()))?;
    }
    let mut out = standard_output::lock();
    match format {
        Format::Text => write_text(&mut out, &verdict)?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&verdict)?)?,
    }
    Ok(match verdict.outcome {
        Outcome::Exposed => Answer::Done,
        Outcome::NotShown | Outcome::Refused => Answer::No,
    })
}

pub(super) fn examine(
    mut arguments: Arguments,
    schemes: &SchemeArguments,
    asking: &AskArguments,
) -> Result<Verdict, Failure> {
    let keys = Keys::read(&arguments.keys)?;
    let committed = arguments.committed.as_deref().map(read_commitment).transpose()?;
    let field = match &committed {
        Some((_, committed)) => committed.plan.field.as_deref().map(str::parse).transpose()?,
        None => arguments.field.clone(),
    };
    let lines = committed.as_ref().map(|(_, committed)| committed.ledger_lines);
    let part = LedgerPart { lines, until: arguments.ledger_until };
    let rosters = Rosters::read(&keys, MarkedBy::WORDS, arguments.ledger.as_deref(), part)?;
    let schemes = schemes.read(&keys, arguments.ledger.as_deref(), part)?;
    let prompts = Prompts::read(&arguments.prompts, field.as_ref())?;
    let plan = plan(&arguments, &keys, &schemes, &prompts, field.as_ref(), committed.as_ref())?;
    if let Some((path, committed)) = &committed {
        let checked = committed.check(&plan, &keys, everybody(&rosters, &schemes));
        checked.map_err(|mismatch| format!("{}: {mismatch}", path.display()))?;
    }

    asked::not_sent(&arguments.prompts, &arguments.sent)?;
    arguments.asked.extend(asking.run(&arguments.prompts)?);
    let answered = if arguments.asked.is_empty() {
        0
    } else {
        let made = committed.as_ref().map(|(_, committed)| committed.made);
        asked::check(&arguments.asked, &arguments.prompts, &arguments.sent, made)?
    };
    let only_asked = arguments.suspect.is_empty() && arguments.suspect_counts.is_empty();
    let asked = Corpus { texts: arguments.asked, counts: Vec::new() };
    arguments.suspect.extend_from_slice(&asked.texts);
    let suspect = Corpus { texts: arguments.suspect, counts: arguments.suspect_counts };
    let controls = by_name(arguments.control, arguments.control_counts);
    let texts = Texts {
        suspect: &suspect,
        controls: &controls,
        prompts: &arguments.prompts,
        field: field.as_ref(),
    };
    let decoys = Decoys::new(plan.decoy_seed, plan.decoys);
    let examination =
        Examination { keys: &keys, rosters: &rosters, schemes: &schemes, decoys: &decoys };
    let (tests, refusals) = examination.test(&texts, &prompts, arguments.cells.as_deref())?;
    let asked = if asked.texts.is_empty() {
        None
    } else {
        let (schemes_of_asked, refusals) = if only_asked {
            (tests.clone(), refusals.clone())
        } else {
            examination.test(&Texts { suspect: &asked, ..texts }, &prompts, None)?
        };
        let issued_since = match (lines, &arguments.ledger) {
            (Some(lines), Some(ledger)) => {
                let epochs = everybody(&rosters, &schemes).map(|issuance| issuance.epoch).collect();
                issued_since(ledger, lines, &epochs)?
            }
            _ => HashSet::new(),
        };
        Some(AskedTests { schemes: schemes_of_asked, refusals, prompts: answered, issued_since })
    };
    let checked = asked.is_some().then_some(!arguments.sent.is_empty());
    let method = method(&keys, (&rosters, part), &schemes, (&plan, checked), committed);
    Ok(conclude_with(tests, asked, refusals, method))
}

/// By what texts are tested.
struct Examination<'a> {
    keys: &'a Keys,
    rosters: &'a Rosters,
    schemes: &'a Schemes,
    decoys: &'a Decoys,
}

impl Examination<'_> {
    fn test(
        &self,
        texts: &Texts<'_>,
        prompts: &Prompts,
        cells: Option<&Path>,
    ) -> Result<(Vec<SchemeTests>, Vec<Refused>), Failure> {
        let mut tests = Vec::new();
        if self.schemes.lexical {
            let how = (self.decoys, cells);
            tests.extend(lexical(self.keys, self.rosters, texts, prompts.clone(), how)?);
        }
        let (on_tokens, refusals) = self.schemes.tokens.test(texts, self.decoys)?;
        tests.extend(on_tokens);
        Ok((tests, refusals))
    }
}

/// All whose keys are tested, by any scheme.
pub(super) fn everybody<'a>(
    rosters: &'a Rosters,
    schemes: &'a Schemes,
) -> impl Iterator<Item = &'a Issuance> + Clone {
    rosters.issuances.iter().chain(schemes.tokens.issuances())
}

fn lexical(
    keys: &Keys,
    rosters: &Rosters,
    texts: &Texts<'_>,
    prompts: Prompts,
    (decoys, cells): (&Decoys, Option<&Path>),
) -> Result<Vec<SchemeTests>, Failure> {
    let by_law = |issuance: &&Issuance| keys.scheme(issuance.epoch).keeps_law();
    let (law, coins): (Vec<_>, Vec<_>) = rosters.issuances.iter().partition(by_law);
    let mut epochs: Vec<u32> = law.iter().map(|issuance| issuance.epoch).collect();
    epochs.sort_unstable();
    epochs.dedup();
    let epochs = epochs.into_iter().filter_map(|epoch| CountingKey::of_epoch(keys, epoch));
    let prompts = &prompts.counting(epochs.collect());
    let read = |what: &str, corpus: &Corpus| {
        let mut progress = Progress::new(what);
        count_lexical(corpus, texts.field, prompts, |bytes| progress.read(bytes))
    };
    let suspect = read("the suspect", texts.suspect)?;
    let controls: Vec<(&str, Counted)> = texts
        .controls
        .iter()
        .map(|(name, corpus)| Ok::<_, Failure>((name.as_str(), read(name, corpus)?)))
        .collect::<Result<_, _>>()?;
    let mut tests = Vec::new();
    if !coins.is_empty() {
        let controls: Vec<Sample<'_>> =
            controls.iter().map(|(name, control)| sample(name, control)).collect();
        tests.push(test_lexical(keys, coins, sample("suspect", &suspect), &controls, decoys));
    }
    if !law.is_empty() {
        let controls: Vec<LawSample<'_>> =
            controls.iter().map(|(name, control)| law_sample(name, control)).collect();
        let sample = law_sample("suspect", &suspect);
        let tested = test_law(keys, law.iter().copied(), sample, &controls, decoys);
        if let Some(path) = cells {
            let strongest = tested.strongest();
            let exported = export_tests(keys, law, &suspect.law, &strongest);
            write_cells(path, &exported).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        tests.push(tested);
    }
    Ok(tests)
}

/// A line for each test, and behind it one for each cell. The file is its owner's alone.
fn write_cells(path: &Path, tests: &[ExportedTest]) -> io::Result<()> {
    create_with(path, PRIVATE, |file| {
        let mut file = BufWriter::new(file);
        for test in tests {
            serde_json::to_writer(&mut file, test)?;
            file.write_all(b"\n")?;
            for cell in &test.cells {
                serde_json::to_writer(&mut file, cell)?;
                file.write_all(b"\n")?;
            }
        }
        file.flush()
    })
}

fn sample<'a>(name: &'a str, counted: &'a Counted) -> Sample<'a> {
    let Counted { counts, law: _, material } = counted;
    Sample { name, counts, material }
}

fn law_sample<'a>(name: &'a str, counted: &'a Counted) -> LawSample<'a> {
    let Counted { counts: _, law, material } = counted;
    LawSample { name, counts: law, material }
}

fn read_commitment(path: &Path) -> Result<(PathBuf, CommittedPlan), Failure> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| at(&error))?;
    let committed = serde_json::from_str(&text);
    let no_plan = |error| format!("--committed: no plan of `verify commit` ({error})");
    Ok((path.to_owned(), committed.map_err(|error| at(&no_plan(error)))?))
}

fn plan(
    arguments: &Arguments,
    keys: &Keys,
    schemes: &Schemes,
    prompts: &Prompts,
    field: Option<&FieldPath>,
    committed: Option<&(PathBuf, CommittedPlan)>,
) -> Result<Plan, Failure> {
    let planned = committed.map(|(_, committed)| &committed.plan);
    let given = || arguments.control.iter().chain(&arguments.control_counts);
    let controls = given().map(|control| control.name.clone()).collect();
    let suspects =
        arguments.suspect.iter().chain(&arguments.suspect_counts).chain(&arguments.asked);
    let suspects = || suspects.map(|path| path.display().to_string());
    let seed = arguments.seed.unwrap_or(Seed::of(keys)).0;
    // The files whose digests were planned; of others the report has the digest.
    let is_planned =
        |control: &&ControlFile| planned.is_some_and(|plan| fixes(plan, &control.name));
    let files = given().filter(is_planned);
    let files = files.map(|control| (control.name.as_str(), control.path.as_path()));
    Ok(Plan {
        rules: schemes.rules.clone(),
        decoy_seed: planned.map_or(seed, |plan| plan.decoy_seed),
        decoys: planned.map_or(arguments.decoys.unwrap_or(DECOYS), |plan| plan.decoys),
        material: planned.map_or_else(
            || suspects().collect::<Vec<_>>().join(", "),
            |plan| plan.material.clone(),
        ),
        field: field.map(ToString::to_string),
        prompts: prompts.digests(),
        controls: names(controls),
        control_files: control_files(files)?,
    })
}

/// Whether a plan has digests of the files of a control.
pub(super) fn fixes(plan: &Plan, control: &str) -> bool {
    let of_control = |file: &String| {
        file.strip_prefix(control).is_some_and(|digest| digest.starts_with(": sha256 "))
    };
    plan.control_files.iter().any(of_control)
}

fn by_name(texts: Vec<ControlFile>, counts: Vec<ControlFile>) -> WrittenControls {
    let mut by_name = WrittenControls::new();
    for ControlFile { name, path } in texts {
        by_name.entry(name).or_default().texts.push(path);
    }
    for ControlFile { name, path } in counts {
        by_name.entry(name).or_default().counts.push(path);
    }
    by_name
}
