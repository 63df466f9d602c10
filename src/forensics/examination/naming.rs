//! Who may be named of those with whose outputs a text is consistent.
//!
//! A text that was found may have been written by whoever wanted an account to be found: its answers are enough
//! to learn what its cells prefer. So a name takes text that the examiner asked for, by a plan that was
//! committed to before, in which the same is found alone; and an account that was issued nothing since,
//! for else the answers may be its own, passed on by whoever was asked.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::level::{Id, LevelTests, Named};
use super::scheme::SchemeTests;
use super::verdict::{Material, Outcome, Refused, Verdict};

/// What it takes to name somebody, beside a finding in the text as a whole: the same in text that the
/// examiner asked for, alone, by a plan that was committed to before.
///
/// Of text that was found it is not known who wrote it: whoever has enough answers of an account can write text
/// that follows its key. What a model answers to prompts that nobody could know before is its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Naming {
    /// The text that the examiner asked for, tested alone.
    pub asked: Option<Asked>,
    /// Why some of those with whose outputs the text is consistent are not named, in words.
    pub missing: Vec<String>,
}

/// Text that the examiner asked for, tested alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Distinct prompts to which there are answers.
    pub prompts: u64,
    /// What was read, by scheme.
    pub materials: Vec<Material>,
    /// Why it says nothing, if it does not: as [`Verdict::refusals`].
    pub refusals: Vec<Refused>,
    /// Tests of clusters in it.
    pub clusters: LevelTests,
    /// Tests of arms.
    pub arms: LevelTests,
    /// Tests of accounts.
    pub accounts: LevelTests,
}

/// Tests of the text that the examiner asked for, alone, before they are concluded from.
#[derive(Clone, Debug, Default)]
pub struct AskedTests {
    /// Of each scheme, with the controls of the examination.
    pub schemes: Vec<SchemeTests>,
    /// Reasons against an answer that are known already.
    pub refusals: Vec<Refused>,
    /// Distinct prompts to which there are answers.
    pub prompts: u64,
    /// The accounts and clusters that were issued marked answers after the plan was committed to, in an epoch
    /// that is tested.
    pub issued_since: HashSet<Id>,
}

/// Names those of whom nothing is missing, and tells what is.
pub(super) fn name(verdict: &mut Verdict, asked: Option<(Asked, HashSet<Id>)>) {
    let is_found = verdict.outcome == Outcome::Exposed;
    let committed = verdict.method.committed.is_some();
    let mut missing = Vec::new();
    let Some((asked, since)) = asked else {
        if is_found && finds_somebody(verdict) {
            missing.push(
                "that takes text that the examiner asked for, by a plan that was committed to before"
                    .to_owned(),
            );
        }
        verdict.naming.missing = missing;
        return;
    };
    if is_found && finds_somebody(verdict) {
        if !committed {
            missing.push("no plan was committed to before the text was asked for".to_owned());
        }
        missing.extend(asked.refusals.iter().map(|refused| {
            format!("the text that was asked for gives no answer by itself ({})", refused.reason)
        }));
        let may_name = missing.is_empty();
        let mut barred = false;
        let mut weak = false;
        let levels = [
            (&mut verdict.clusters, &asked.clusters),
            (&mut verdict.arms, &asked.arms),
            (&mut verdict.accounts, &asked.accounts),
        ];
        for (whole, alone) in levels {
            let Named::Each(found) = &whole.consistent_with else { continue };
            let shown = alone.consistent_with.ids();
            let named: Vec<Id> = found
                .iter()
                .filter(|id| {
                    let (is_shown, is_barred) = (shown.contains(id), since.contains(id));
                    weak |= !is_shown;
                    barred |= is_shown && is_barred;
                    may_name && is_shown && !is_barred
                })
                .cloned()
                .collect();
            if !named.is_empty() {
                whole.named = Named::Each(named);
            }
        }
        if weak && asked.refusals.is_empty() {
            missing.push("the text that was asked for does not show the same by itself".to_owned());
        }
        if barred {
            missing.push(
                "marked answers were issued after the commitment, which whoever was asked may have \
                 passed on"
                    .to_owned(),
            );
        }
    }
    verdict.naming.missing = missing;
    verdict.naming.asked = Some(asked);
}

fn finds_somebody(verdict: &Verdict) -> bool {
    let finds = |level: &LevelTests| !level.consistent_with.ids().is_empty();
    finds(&verdict.clusters) || finds(&verdict.arms) || finds(&verdict.accounts)
}
