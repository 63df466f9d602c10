//! Which models a policy's lists leave out.
//!
//! A list that names models goes out of date with the upstream's: what is added there and forgotten
//! here is answered as if there were no policy. So the lists can be held against what an upstream
//! offers.

use super::Pattern;
use super::ladder::Policy;
use super::plan::{Downgrade, Plan};
use crate::wire::model_name;

/// A list of a policy that does not cover every model of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap<'m> {
    /// The list, as the policy file names it.
    pub field: String,
    /// The models that it leaves out.
    pub models: Vec<&'m str>,
    /// Whether they escape by it. Where a list only describes models, it may be right to leave some
    /// out.
    pub escapes: bool,
}

impl Policy {
    /// The lists that leave out some of `models`, in the order of the policy file.
    ///
    /// A map of downgrades covers the models that it leads to, and all if it has a model for the
    /// others. What the scope leaves out is not said again of the grades.
    #[must_use]
    pub fn gaps<'m>(&self, models: &'m [String]) -> Vec<Gap<'m>> {
        let scope = self.scope.models.as_deref();
        let (inside, outside): (Vec<&str>, Vec<&str>) = models
            .iter()
            .map(String::as_str)
            .partition(|model| scope.is_none_or(|patterns| covered(patterns, model)));
        let mut gaps = Vec::new();
        let mut note = |field: String, models: Vec<&'m str>, escapes| {
            if !models.is_empty() {
                gaps.push(Gap { field, models, escapes });
            }
        };
        note("scope.models".to_owned(), outside, true);
        for (index, grade) in self.grades.iter().enumerate() {
            let Plan { downgrade, reasoning, .. } = &*grade.plan;
            if let Some(downgrade) = downgrade {
                let escaping = |model: &&str| escapes(&downgrade.settings, model);
                let models = inside.iter().copied().filter(escaping).collect();
                note(format!("grade[{index}].downgrade.models"), models, true);
            }
            let opened = reasoning.as_ref().map(|it| it.settings.opened_by_template.as_slice());
            if let Some(patterns) = opened.filter(|patterns| !patterns.is_empty()) {
                let left = |model: &&str| !covered(patterns, model);
                let models = inside.iter().copied().filter(left).collect();
                note(format!("grade[{index}].reasoning.opened_by_template"), models, false);
            }
        }
        gaps
    }
}

impl Policy {
    /// The lists, as the policy file names them, that cover no names but certain ones, so that any
    /// other escapes them where an upstream answers for names that it does not list. Of a map of
    /// downgrades without a model for the others that is told without an upstream.
    #[must_use]
    pub fn closed_lists(&self) -> Vec<String> {
        let closed = |patterns: &[Pattern]| {
            !patterns.is_empty() && !patterns.iter().any(Pattern::covers_all)
        };
        let scope = self.scope.models.as_deref().is_some_and(closed);
        let scope = scope.then(|| "scope.models".to_owned());
        let opened = self.grades.iter().enumerate().filter_map(|(index, grade)| {
            let reasoning = &grade.plan.reasoning.as_ref()?.settings;
            let closed = closed(&reasoning.opened_by_template);
            closed.then(|| format!("grade[{index}].reasoning.opened_by_template"))
        });
        scope.into_iter().chain(opened).collect()
    }
}

fn covered(patterns: &[Pattern], model: &str) -> bool {
    patterns.iter().any(|pattern| pattern.covers_model(model))
}

/// Whether a downgrade that replaces models leaves this one, which is not what it replaces others by.
fn escapes(settings: &Downgrade, model: &str) -> bool {
    let Downgrade { models, other_models, .. } = settings;
    let name = model_name::normalized(model);
    let is = |target: &str| {
        let target = model_name::normalized(target);
        model_name::spellings(&name).any(|spelling| model_name::names(spelling, &target))
    };
    let known = |(pattern, target): &(Pattern, String)| pattern.covers_model(model) || is(target);
    !models.is_empty() && other_models.is_none() && !models.iter().any(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(policy: &str, models: &[&str]) -> Vec<(String, Vec<String>, bool)> {
        let head = "version = 1\nname = \"p\"\nmode = \"enforce\"\n";
        let policy = Policy::parse("p.toml", &format!("{head}{policy}")).unwrap();
        let models: Vec<String> = models.iter().map(|model| (*model).to_owned()).collect();
        let owned = |gap: Gap<'_>| {
            (gap.field, gap.models.iter().map(|it| (*it).to_owned()).collect(), gap.escapes)
        };
        policy.gaps(&models).into_iter().map(owned).collect()
    }

    #[test]
    fn a_map_of_downgrades_covers_its_patterns_and_what_it_leads_to() {
        let grade = "[[grade]]\nname = \"a\"\nat = 0.1\nside_channels = {}\n[[grade]]\nname = \"b\"\n\
                     at = 0.5\n[grade.downgrade]\nmodels = { \"big*\" = \"small\" }\n";
        let listed = ["big", "vendor/Big-2", "small", "SMALL:free", "smaller", "new"];
        let field = "grade[1].downgrade.models".to_owned();
        assert_eq!(
            gaps(grade, &listed),
            [(field, vec!["smaller".to_owned(), "new".to_owned()], true)]
        );
        assert_eq!(gaps(&format!("{grade}other_models = \"small\"\n"), &listed), []);
        // Caps alone hold for every model.
        let caps = "[[grade]]\nname = \"a\"\nat = 0.1\ndowngrade = { max_output_tokens = 9 }\n";
        assert_eq!(gaps(caps, &listed), []);
    }

    #[test]
    fn what_the_scope_leaves_out_is_said_once() {
        let policy = "[scope]\nmodels = [\"big*\"]\n[[grade]]\nname = \"a\"\nat = 0.1\n\
                      downgrade = { models = { \"big\" = \"small\" } }\n";
        let outside = ("scope.models".to_owned(), vec!["other".to_owned()], true);
        let bigger = ("grade[0].downgrade.models".to_owned(), vec!["bigger".to_owned()], true);
        assert_eq!(gaps(policy, &["big", "bigger", "other"]), [outside, bigger]);
    }

    #[test]
    fn a_list_of_certain_names_is_escaped_by_any_other() {
        let closed = |text: &str| {
            let head = "version = 1\nname = \"p\"\nmode = \"enforce\"\n";
            Policy::parse("p.toml", &format!("{head}{text}")).unwrap().closed_lists()
        };
        let grade = "[[grade]]\nname = \"a\"\nat = 0.1\n";
        let opened = |patterns: &str| {
            format!("{grade}reasoning = {{ keep = \"none\", opened_by_template = [{patterns}] }}\n")
        };
        let field = "grade[0].reasoning.opened_by_template";
        assert_eq!(closed(&opened("\"qwq*\"")), [field]);
        assert_eq!(closed(&opened("\"qwq*\", \"*\"")), [""; 0]);
        assert_eq!(closed(&opened("")), [""; 0]);
        let scope = format!("[scope]\nmodels = [\"big*\"]\n{}", opened("\"qwq*\""));
        assert_eq!(closed(&scope), ["scope.models", field]);
    }

    #[test]
    fn models_that_a_template_is_not_said_to_open_do_not_escape_for_certain() {
        let policy = "[[grade]]\nname = \"a\"\nat = 0.1\n\
                      reasoning = { keep = \"none\", opened_by_template = [\"qwq*\"] }\n";
        let field = "grade[0].reasoning.opened_by_template".to_owned();
        assert_eq!(gaps(policy, &["QwQ-32B", "big"]), [(field, vec!["big".to_owned()], false)]);
    }
}
