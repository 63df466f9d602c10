//! The verdict on a terminal, 80 columns wide.

use std::io::{self, Write};

use super::super::paragraph::{printable, write_wrapped};
use crate::forensics::examination::{
    Asked, ControlTest, CopyPlaces, DeploymentTest, EffectSize, Id, IdTest, LevelTests, MarkedBy,
    Material, Verdict,
};
use crate::page::words::grouped;

/// Tests that are listed of a level, beside those of everyone who is found.
const LISTED: usize = 8;

pub(super) fn write_text(out: &mut impl Write, verdict: &Verdict) -> io::Result<()> {
    write_wrapped(out, "", "", &printable(&verdict.sentence))?;
    write_wrapped(out, "", "", &verdict.caveat)?;
    writeln!(out, "\n{:<30}{HEADINGS}", "Deployment")?;
    for test in &verdict.deployments {
        write_deployment(out, test)?;
    }
    write_level(out, "Clusters", &verdict.clusters)?;
    write_level(out, "Arms", &verdict.arms)?;
    write_level(out, "Accounts", &verdict.accounts)?;
    if let Some(asked) = &verdict.naming.asked {
        write_level(out, "Clusters, asked", &asked.clusters)?;
        write_level(out, "Arms, asked", &asked.arms)?;
        write_level(out, "Accounts, asked", &asked.accounts)?;
    }
    let mut levels = vec![&verdict.clusters, &verdict.arms, &verdict.accounts];
    if let Some(Asked { clusters, arms, accounts, .. }) = &verdict.naming.asked {
        levels.extend([clusters, arms, accounts]);
    }
    if levels.iter().any(|level| !level.consistent_with.ids().is_empty()) {
        writeln!(out, "  * named   ~ consistent with")?;
    }
    writeln!(out, "\n{:<40}{:>10}", "Controls", "p")?;
    for control in &verdict.controls {
        write_control(out, control)?;
    }
    if verdict.controls.is_empty() {
        writeln!(out, "  none")?;
    }
    writeln!(out, "\nRead")?;
    for material in &verdict.materials {
        write_material(out, "suspect", material)?;
    }
    if let Some(asked) = &verdict.naming.asked {
        for material in &asked.materials {
            let name = format!("asked for, of these ({})", many(asked.prompts, "prompt"));
            write_material(out, &name, material)?;
        }
    }
    for control in &verdict.controls {
        if let Some(material) = &control.material {
            write_material(out, &control.name, material)?;
        }
    }
    write_method(out, verdict)
}

const HEADINGS: &str = "  score         p  adjusted  effect (95 %)";

fn write_deployment(out: &mut impl Write, test: &DeploymentTest) -> io::Result<()> {
    let DeploymentTest { scheme, tenant, epoch, sites, terms, decoys, least_effect, .. } = test;
    let mut name = format!("{scheme}, epoch {epoch}");
    if !tenant.is_empty() {
        name = format!("{name}, tenant {tenant}");
    }
    let numbers = Numbers {
        standardized: test.standardized,
        p: test.p.to_string(),
        adjusted: test.p_adjusted.to_string(),
        effect: test.effect,
    };
    write_row(out, &name, &numbers)?;
    let least = match (least_effect, test.effect) {
        (Some(least), _) => {
            format!("; an effect of {} would have been enough, as often as not", percent(*least))
        }
        // Of marks on tokens it is not worked out.
        (None, Some(_)) if scheme == MarkedBy::WORDS.carrier => {
            "; this is so little text that an effect of 100 % is found less than half of the time"
                .to_owned()
        }
        _ => String::new(),
    };
    let without =
        test.p_without_controls.map_or(String::new(), |p| format!("; without controls: p = {p}"));
    let words = format!(
        "{} sites in {} terms; {} decoys: p = {}, mean {:.2}, deviation {:.2}{without}{least}",
        grouped(*sites),
        grouped(*terms),
        grouped(decoys.count),
        decoys.p,
        decoys.mean,
        decoys.deviation,
    );
    write_wrapped(out, "    ", "    ", &words)?;
    let Some(copies) = &test.copies else { return Ok(()) };
    let share =
        |places: CopyPlaces| format!("{} of {}", grouped(places.as_sent), grouped(places.all()));
    let words = format!(
        "canaries: {} places as sent in active passages, {} in others; p = {}, of a whole copy {}",
        share(copies.active),
        share(copies.others),
        copies.p,
        copies.p_of_copy,
    );
    write_wrapped(out, "    ", "    ", &words)
}

fn write_level(out: &mut impl Write, title: &str, level: &LevelTests) -> io::Result<()> {
    if level.tests == 0 {
        return Ok(());
    }
    let heading = format!("{title} ({} in {} tests)", grouped(level.ids), grouped(level.tests));
    if heading.chars().count() > 30 {
        writeln!(out, "\n{heading}\n{:30}{HEADINGS}", "")?;
    } else {
        writeln!(out, "\n{heading:<30}{HEADINGS}")?;
    }
    let is_among = |ids: &[Id], test: &IdTest| {
        ids.iter().any(|id| id.id == test.id && id.tenant == test.tenant)
    };
    for (rank, test) in level.strongest.iter().enumerate() {
        let is_found = is_among(level.consistent_with.ids(), test);
        let sign = match (is_among(level.named.ids(), test), is_found) {
            (true, _) => "* ",
            (false, true) => "~ ",
            (false, false) => "",
        };
        if is_found || rank < LISTED {
            write_id(out, test, sign)?;
        }
    }
    if level.strongest.is_empty() {
        writeln!(out, "  not listed")?;
    }
    Ok(())
}

fn write_id(out: &mut impl Write, test: &IdTest, sign: &str) -> io::Result<()> {
    let mut name = format!("{}, epoch {}", test.id, test.epoch);
    if !test.tenant.is_empty() {
        name = format!("{name}, tenant {}", test.tenant);
    }
    name = format!("{sign}{name}");
    let numbers = Numbers {
        standardized: test.standardized,
        p: test.p.to_string(),
        adjusted: test.p_adjusted.to_string(),
        effect: test.effect,
    };
    write_row(out, &name, &numbers)
}

struct Numbers {
    standardized: f64,
    p: String,
    adjusted: String,
    effect: Option<EffectSize>,
}

fn write_row(out: &mut impl Write, name: &str, numbers: &Numbers) -> io::Result<()> {
    let name = format!("  {}", printable(name));
    if name.chars().count() > 30 {
        writeln!(out, "{name}")?;
        write!(out, "{:30}", "")?;
    } else {
        write!(out, "{name:<30}")?;
    }
    let Numbers { standardized, p, adjusted, effect } = numbers;
    let effect = effect.map_or(String::new(), |EffectSize { estimate, low, high }| {
        format!("{} % ({} to {})", short(estimate), short(low), short(high))
    });
    writeln!(out, "{}", format!("{standardized:>7.2} {p:>9} {adjusted:>9}  {effect}").trim_end())
}

fn write_control(out: &mut impl Write, control: &ControlTest) -> io::Result<()> {
    let name = format!("  {}", printable(&control.name));
    let found = if control.rejected { "  found a mark" } else { "" };
    writeln!(out, "{name:<40}{:>10}{found}", control.p.to_string())
}

fn write_material(out: &mut impl Write, name: &str, material: &Material) -> io::Result<()> {
    let Material { files, documents, repeated, unchecked, sites, excluded, .. } = material;
    let skipped = files.iter().map(|file| file.skipped).fold(0, u64::saturating_add);
    let mut words = format!(
        "{} in {}, {}",
        many(*documents, "document"),
        many(files.len() as u64, "file"),
        many(*sites, "site"),
    );
    for (number, what) in [
        (*repeated, "repeated documents left out"),
        (*unchecked, "documents not compared with the others"),
        (*excluded, "sites left out because of prompts"),
        (skipped, "records skipped"),
    ] {
        if number > 0 {
            words.push_str(&format!("; {} {what}", grouped(number)));
        }
    }
    write_wrapped(out, "  ", "    ", &format!("{}: {words}", printable(name)))?;
    for file in files {
        for problem in &file.problems {
            let words = format!("{}, {problem}", printable(&file.name));
            write_wrapped(out, "    ", "      ", &words)?;
        }
    }
    Ok(())
}

fn write_method(out: &mut impl Write, verdict: &Verdict) -> io::Result<()> {
    let method = &verdict.method;
    writeln!(out, "\nMethod")?;
    let committed = method
        .committed
        .as_ref()
        .map_or("not committed to before the text was seen".to_owned(), |committed| {
            format!("committed to on {}", committed.made)
        });
    writeln!(out, "  plan      {}", method.plan_hash)?;
    writeln!(out, "            {committed}")?;
    writeln!(out, "  seed      {}", method.seed)?;
    writeln!(out, "  keys      {}", method.key_fingerprint)?;
    let skipped = match method.ledger_lines_skipped {
        0 => String::new(),
        skipped => format!(", of which {} are no entries", grouped(skipped)),
    };
    writeln!(out, "  ledger    {}{skipped}", many(method.ledger_lines, "line"))?;
    if let Some(until) = &method.ledger_until {
        writeln!(out, "            entries up to {}", printable(until))?;
    }
    for material in &verdict.materials {
        writeln!(out, "  rules     {}", material.rules)?;
    }
    writeln!(out, "  program   {}", verdict.program)?;
    for note in &method.notes {
        write_wrapped(out, "  - ", "    ", note)?;
    }
    Ok(())
}

fn percent(share: f64) -> String {
    format!("{} %", short(share))
}

/// In hundredths; what is 100 or more, or less than −10, without a fraction, so that columns have room.
fn short(share: f64) -> String {
    let places = usize::from((-0.0995..0.9995).contains(&share));
    format!("{:.places$}", share * 100.0)
}

fn many(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(number))
}
