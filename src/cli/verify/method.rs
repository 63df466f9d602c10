//! How a verdict was reached, in the words that stand beneath it.

use std::path::PathBuf;

use super::examine::{everybody, fixes};
use super::inputs::{LedgerPart, Rosters};
use super::schemes::Schemes;
use crate::forensics::examination::{Committed, CommittedPlan, Method, plan_commitment};
use crate::forensics::tracing::Plan;
use crate::mark::keys::Keys;

pub(super) fn method(
    keys: &Keys,
    (rosters, part): (&Rosters, LedgerPart),
    schemes: &Schemes,
    (plan, asked): (&Plan, Option<bool>),
    committed: Option<(PathBuf, CommittedPlan)>,
) -> Method {
    let mut notes: Vec<&str> = NOTES.to_vec();
    if !schemes.tokens.is_empty() {
        notes.push(TOKEN_NOTE);
    }
    if rosters.has_clusters() || schemes.tokens.has_clusters() {
        notes.push(if part.is_fixed() { FIXED_NOTE } else { OPEN_NOTE });
    }
    if let Some(checked) = asked {
        notes.push(ASKED_NOTE);
        notes.push(if checked { CHECKED_NOTE } else { UNCHECKED_NOTE });
    }
    if !plan.controls.iter().all(|control| fixes(plan, control)) {
        notes.push(CHOSEN_NOTE);
        let weighs = |epoch: u32| !keys.scheme(epoch).keeps_law();
        if schemes.lexical && rosters.issuances.iter().any(|issuance| weighs(issuance.epoch)) {
            notes.push(WEIGHTS_NOTE);
        }
    }
    Method {
        plan_hash: plan_commitment(plan, everybody(rosters, schemes)).to_string(),
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
        ledger_until: part.until.map(|until| until.to_string()),
        notes: notes.into_iter().map(str::to_owned).collect(),
    }
}

/// How the numbers were reached.
const NOTES: [&str; 5] = [
    "Under the hypothesis of no exposure the text does not depend on the secret key: the text is \
     held fixed, and what the key has for every cell is drawn: a uniform number, or in epochs of the \
     older scheme a fair coin. The p-values are Chernoff bounds of that law and hold whatever the text.",
    "Repeated documents count once; of a cell, a document counts one site (in the older scheme two); \
     contexts that occur in a prompt are left out.",
    "Within each level (deployment, clusters, accounts) p-values are adjusted by Holm's method \
     over all ids, tenants, epochs and schemes, and no level opens before the one above it.",
    "With whose outputs the text is consistent has an adjusted p-value below the accusation level, and stands \
     three standard deviations, by its p-value, clear of everybody else. Who of these is named shows the same in \
     text that the examiner asked for, alone, by a plan that was committed to before.",
    "A control that finds a mark at a p-value below 0.001 refuses every answer. Of a scheme without \
     a text control of enough sites nothing is said.",
];

/// How they were reached for marks on tokens.
const TOKEN_NOTE: &str = "Of marks on tokens every distinct context with its token counts once in \
     the whole corpus; p-values are those of the law of the score under a random key, and beside \
     them stands the place among decoy keys. No p-value is below one key in all that a scheme can \
     tell apart (2^-32 for SGLang and KGW, 2^-53 for vllm-sbw, 2^-64 for vLLM). Text whose tokens do \
     not give it back is left out.";

/// What text that was asked for is.
const ASKED_NOTE: &str = "Every answer that was asked for is to one of the prompts, whose digests are in the \
     plan. Nobody is named who was issued marked answers after the commitment, in an epoch that is tested: they \
     could be passed on as the suspect's own.";

/// Where prompts were held against what accounts had sent.
const CHECKED_NOTE: &str = "None of the prompts is among those that accounts had sent, as the operator's \
     records have them.";

/// And where they were not.
const UNCHECKED_NOTE: &str = "That no account had sent these prompts before the commitment was not checked \
     against records (--sent); it rests on the word of whoever wrote them.";

/// What must be said where the files of controls were not committed to.
const CHOSEN_NOTE: &str = "The files of the controls were not fixed before the text was seen: whoever chooses \
     them can leave out one that would have refused the answer.";

/// And of epochs whose weights rest on controls.
const WEIGHTS_NOTE: &str = "In epochs of the older scheme controls give the usual rates of cells: whoever \
     chooses them has a say in the weights. The p-value without controls rests on no such choice.";

/// What clusters are tested by if membership was fixed.
const FIXED_NOTE: &str = "Who is in which cluster was fixed before, by the commitment or by the time \
     up to which the ledger was read: beside the key that a cluster shares, the sum of its members' \
     codewords and each member's own test count for it, adjusted.";

/// What they are tested by if not.
const OPEN_NOTE: &str = "It is not shown that who is in which cluster was recorded before the text \
     was at hand (neither a commitment nor a time up to which the ledger is read). So clusters are \
     tested by the key that they share and by nothing else: the test of the sum of members' \
     codewords is left out, and accounts are tested as if they were in no cluster.";
