//! What was committed to, and how to come to the same numbers again.

use super::answer::paths;
use super::{Run, section};
use crate::forensics::examination::{Method, Verdict};
use crate::page::markup::Markup;
use crate::page::names::{base_name, message};
use crate::page::words::grouped;
use crate::page::{command, entry};

pub(super) fn write(page: &mut Markup, verdict: &Verdict, run: &Run) {
    section(page, "11", "Commitment, and how to reproduce this");
    let method = &verdict.method;
    page.raw("<p>The digest below is BLAKE3 over the plan of the examination and over the list of \
              everybody who could be named, with keys and membership. Whoever knew it before the \
              text was seen can check that neither was changed afterwards. It gives no key away.</p>\n");
    page.raw("<dl class=\"sums\">\n");
    code(page, "digest of plan and key list", &method.plan_hash);
    match &method.committed {
        Some(committed) => {
            let told = format!(
                "yes: it equals the one in {}, which says that it was made {}",
                message(&base_name(&committed.file), &[]),
                message(&committed.made, &[])
            );
            entry(page, "committed to before", &told);
        }
        None => entry(page, "committed to before", "no: no commitment was checked"),
    }
    entry(page, "what was to be examined", &message(&method.subject, &paths(verdict)));
    code(page, "seed of decoys and bootstrap", &method.seed);
    entry(page, "decoy keys", &grouped(u64::from(method.decoys)));
    code(page, "fingerprint of the key file", &method.key_fingerprint);
    entry(page, "lines of the ledger", &ledger(method));
    entry(page, "program", &verdict.program);
    entry(page, "form of the verdict", &format!("version {}", verdict.version));
    if let Some(made) = run.made {
        entry(page, "this page was made", &made.to_string());
    }
    page.raw("</dl>\n");
    if !run.command.is_empty() {
        page.raw(
            "<p>With the same files, keys and program, this command gives the same numbers. Of \
                  files it tells the base names.</p>\n<pre class=\"command\"><code>",
        );
        page.text(&command(&run.command)).raw("</code></pre>\n");
    }
    page.close("section");
}

fn code(page: &mut Markup, name: &'static str, value: &str) {
    let value = message(if value.is_empty() { "–" } else { value }, &[]);
    page.raw("<div><dt>")
        .raw(name)
        .raw("</dt><dd>")
        .element("code", &[], &value)
        .raw("</dd></div>\n");
}

fn ledger(method: &Method) -> String {
    let mut said = grouped(method.ledger_lines);
    if method.ledger_lines_skipped > 0 {
        said.push_str(&format!(
            ", of which {} are no entries",
            grouped(method.ledger_lines_skipped)
        ));
    }
    if let Some(until) = &method.ledger_until {
        said.push_str(&format!("; entries up to {until}"));
    }
    said
}
