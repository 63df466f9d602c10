//! How far a policy can go, whoever asks.
//!
//! A defense that does nothing looks like one that has nothing to do. So it is found out when the
//! policy is loaded, and told then.

use std::num::NonZeroU32;

use super::countermeasure::Countermeasure;
use super::ladder::Policy;
use super::plan::Mode;

/// The most that any grade of a policy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reach {
    /// No grade names a countermeasure.
    Nothing,
    /// Countermeasures are only recorded.
    Records,
    /// At least one is carried out.
    Acts,
}

impl Policy {
    /// The most that any of its grades does.
    #[must_use]
    pub fn reach(&self) -> Reach {
        let plans = self.grades.iter().map(|grade| &grade.plan);
        let modes = plans.flat_map(|plan| {
            Countermeasure::ALL.into_iter().filter_map(|named| named.mode_in(plan))
        });
        let reach = modes.map(|mode| match mode {
            Mode::Observe => Reach::Records,
            Mode::Enforce => Reach::Acts,
        });
        reach.max().unwrap_or(Reach::Nothing)
    }

    /// What of its grades may have to change a request to be carried out, by the names of countermeasures. Closing
    /// what opens a way round goes with withholding, too.
    #[must_use]
    pub fn changes_requests(&self) -> Vec<&'static str> {
        let by = [
            Countermeasure::Downgrade,
            Countermeasure::SideChannels,
            Countermeasure::Reasoning,
            Countermeasure::Watermark,
        ];
        let carries_out = |named: &Countermeasure| {
            self.grades.iter().any(|grade| named.mode_in(&grade.plan) == Some(Mode::Enforce))
        };
        by.into_iter().filter(carries_out).map(Countermeasure::name).collect()
    }

    /// Whether any of its grades seals reasoning, be it only observed.
    #[must_use]
    pub fn seals(&self) -> bool {
        self.seal_step().is_some()
    }

    /// Whether any of its grades seals reasoning and leaves strings of it out, or, with `all`, whatever it does
    /// with them.
    #[must_use]
    pub fn seals_outside_strings(&self, all: bool) -> bool {
        let reasoning = self.grades.iter().filter_map(|grade| grade.plan.reasoning.as_ref());
        let mut seals = reasoning.filter_map(|measure| measure.settings.seal.as_ref());
        seals.any(|seal| all || !seal.in_strings)
    }

    /// The step in which token counts tell no more of sealed reasoning than the blobs of any grade do;
    /// `None` if none seals.
    #[must_use]
    pub fn seal_step(&self) -> Option<NonZeroU32> {
        let reasoning = self.grades.iter().filter_map(|grade| grade.plan.reasoning.as_ref());
        reasoning.filter_map(|measure| Some(measure.settings.seal.as_ref()?.tokens())).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_that_any_grade_does_counts() {
        let policy = |mode: &str, measures: &str| {
            let text = format!(
                "version = 1\nname = \"p\"\nmode = \"{mode}\"\n[[grade]]\nname = \"a\"\nat = 0.1\n\
                 [[grade]]\nname = \"b\"\nat = 0.5\n{measures}"
            );
            Policy::parse("p.toml", &text).unwrap().reach()
        };
        assert_eq!(policy("enforce", ""), Reach::Nothing);
        assert_eq!(policy("enforce", "side_channels = { max_choices = 1 }\n"), Reach::Acts);
        assert_eq!(policy("observe", "side_channels = { max_choices = 1 }\n"), Reach::Records);
        let weaker = "side_channels = { max_choices = 1, mode = \"observe\" }\n";
        assert_eq!(policy("enforce", weaker), Reach::Records);
    }
}
