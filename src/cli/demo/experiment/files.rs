//! The files of the demonstration: the experiment, its policies, the proxy's configuration, outcomes.

use jiff::{SignedDuration, Timestamp};

use super::super::servers::Servers;
use super::population::{Account, Draws, poisson};
use crate::cli::Failure;
use crate::secret::Secret;

const MONITOR: &str = include_str!("../../../../policies/monitor.toml");
const WITHHOLD: &str = include_str!("../../../../policies/reasoning-only.toml");
/// What makes of it a policy that turns away whom nobody suspects.
const HARM: &str = "\n[[grade]]\nname = \"too-wide\"\nat = 0.05\n\n[grade.refuse]\n";
/// What units are assigned with. A deployment draws one that nobody knows; here it is always the same,
/// so that every run has the same units in each arm, under a salt that puts enough clusters into both.
const DEPLOYMENT: [u8; 32] = *b"guilloche demo: arms of one kind";
/// How long the experiment may last; it is over when everybody has asked.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);
/// Complaints of an ordinary account, in both arms.
const COMPLAINTS: f64 = 0.6;

/// What the servers share.
#[derive(Debug)]
pub(super) struct Secrets {
    pub(super) detector: Secret,
    deployment: Secret,
}

impl Secrets {
    pub(super) fn draw() -> Result<Self, Failure> {
        Ok(Self { detector: Secret::random()?, deployment: Secret::new(DEPLOYMENT) })
    }

    /// The files by name, some of which hold secrets.
    pub(super) fn files(&self, harmful: bool, began: Timestamp) -> Vec<(&'static str, String)> {
        let digits = |secret: &Secret| blake3::Hash::from(*secret.expose()).to_hex().to_string();
        let withhold = match harmful {
            // Grades stand in the order of their scores.
            true => WITHHOLD.replacen("\n[[grade]]", &format!("{HARM}\n[[grade]]"), 1),
            false => WITHHOLD.to_owned(),
        };
        vec![
            ("monitor.toml", MONITOR.to_owned()),
            ("withhold.toml", withhold),
            ("experiment.toml", experiment(began, began + LONGEST)),
            ("detector.key", digits(&self.detector)),
            ("secret.key", digits(&self.deployment)),
        ]
    }
}

/// The experiment, between two moments.
pub(super) fn experiment(start: Timestamp, end: Timestamp) -> String {
    let [start, end] = [start, end].map(|it| it.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    format!(
        "version = 1\nname = \"withhold-reasoning\"\nsalt = \"demo-4\"\nstart = {start}\nend = {end}\n\
         unit = \"cluster\"\n\n\
         [[arm]]\nname = \"monitor\"\npolicy = \"monitor.toml\"\ncontrol = true\n\n\
         [[arm]]\nname = \"withhold\"\npolicy = \"withhold.toml\"\n\n\
         [[metric]]\nname = \"reasoning_tokens\"\nrole = \"success\"\nbetter = \"lower\"\nscale = \"log\"\n\n\
         [[metric]]\nname = \"refused_share\"\nrole = \"guardrail\"\nbetter = \"lower\"\nmargin = 0.02\n\n\
         [[metric]]\nname = \"first_byte_ms\"\nrole = \"guardrail\"\nbetter = \"lower\"\nmargin = 0.25\n\
         cap = 2_000\n\n\
         [[metric]]\nname = \"complaints\"\nrole = \"guardrail\"\nbetter = \"lower\"\nmargin = 0.3\ncap = 5\n"
    )
}

/// The configuration of the proxy that runs it.
pub(super) fn configuration(servers: &Servers) -> toml::Table {
    let file = |name: &str| servers.file(name).display().to_string();
    let [policy_file, audit_file, experiment_file, state] =
        ["monitor.toml", "audit.jsonl", "experiment.toml", "state"].map(file);
    toml::toml! {
        [policy]
        file = policy_file
        [audit]
        file = audit_file
        queue = 65536
        [experiments]
        files = [experiment_file]
        state_dir = state
        interval = "1s"
        window = "2s"
    }
}

/// Complaints as a help desk would count them, by account; arms make no difference.
pub(super) fn complaints(accounts: &[Account], time: Timestamp, draws: &mut Draws) -> String {
    let mut rows = "account,time,metric,value\n".to_owned();
    for account in accounts {
        let count = poisson(COMPLAINTS, draws);
        rows.push_str(&format!("{},{time},complaints,{count}\n", account.name));
    }
    rows
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Experiment;
    use crate::experiment::assignment::{Assignment, Place, Unit};
    use crate::policy::Policy;

    #[test]
    fn of_the_demo_s_clusters_each_arm_has_enough_to_conclude_from() {
        let text = experiment(Timestamp::UNIX_EPOCH, Timestamp::now());
        let experiment = Experiment::parse("e.toml", &text, |name| Policy::parse(name, MONITOR));
        let experiment = experiment.unwrap();
        let assignment = Assignment::new(&Secret::new(DEPLOYMENT), &experiment, 0.0..1.0);
        let place = |number| {
            let id = &format!("hydra-{number}");
            assignment.place(Unit::Cluster { tenant: "", id })
        };
        let treated = (0..24).filter(|number| place(*number) == Place::Arm(1)).count();
        assert!((10..=14).contains(&treated), "{treated}");
    }
}
