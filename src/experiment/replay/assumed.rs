//! What a replay takes for granted, and what an audit does not tell.

use super::tally::Tally;
use crate::audit::reader::FileRead;
use crate::page::words::counted;
use crate::policy::Policy;
use crate::policy::plan::Mode;

pub(super) fn assumed(
    policy: &Policy,
    key_known: bool,
    tally: &Tally,
    files: &[FileRead],
) -> Vec<String> {
    let mut said = Vec::new();
    let gaps = files.iter().filter(|file| file.has_gaps()).count() as u64;
    if gaps > 0 {
        let files = counted(gaps, "file lacks", "files lack");
        said.push(format!("{files} lines or an end: what stood there is not counted."));
    }
    if policy.mode == Mode::Observe {
        said.push(
            "The policy only observes. What it would do is told as if it were enforced.".to_owned(),
        );
    }
    said.push(unseen(policy, tally));
    said.push(exemptions(policy, key_known));
    if policy.scope.models.is_some() {
        said.push(
            "Records do not name models: every request counts as one of those in `scope.models`."
                .to_owned(),
        );
    }
    if tally.path_unknown > 0 {
        said.push(format!(
            "{} on paths of no known protocol, or without a model's text. Records do not say which \
             path: their grade is told, and not what is done to them.",
            counted(tally.path_unknown, "request was", "requests were")
        ));
    }
    if tally.contested > 0 {
        said.push(format!(
            "{} refused without a score are taken for callers whose credentials contradict a \
             detector's word.",
            counted(tally.contested, "request that was", "requests that were")
        ));
    }
    said.push(
        "Each request is decided by the score, the confidence and the time of its record. Whoever \
         would have been treated otherwise might have asked otherwise."
            .to_owned(),
    );
    said.push(
        "Words, tokens and sites are those that records count, applied or observed. Where `keep`, \
         `strength` or the model that answers differ, so would they."
            .to_owned(),
    );
    said.push(
        "“Limited” is under a grade's limits. Whether they would be reached is not replayed."
            .to_owned(),
    );
    said
}

/// Who is not in the audit.
fn unseen(policy: &Policy, tally: &Tally) -> String {
    let rule = "Callers below the first grade of the policy that decided are not recorded.";
    let first = policy.grades.first().map(|grade| grade.at);
    match (first, tally.lowest_score) {
        (Some(first), Some(lowest)) if first < lowest => format!(
            "{rule} The lowest recorded score is {lowest}, and this policy begins at {first}: whom \
             it grades between the two is not known."
        ),
        _ => format!("{rule} They are not counted here."),
    }
}

fn exemptions(policy: &Policy, key_known: bool) -> String {
    let exemptions = policy.exemptions.len() as u64;
    if exemptions == 0 {
        return "The policy exempts nobody.".to_owned();
    }
    let of = counted(exemptions, "exemption", "exemptions");
    if key_known {
        format!(
            "The policy's {of} were matched by the hashes of the names, as on the record's day."
        )
    } else {
        format!(
            "The audit has hashes in place of names. Without the deployment's secret \
             the policy's {of} cannot be matched, and whom they name counts as anybody else."
        )
    }
}
