//! From a grade's tables to its [`Plan`], with the rules of each countermeasure.

use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

use super::file::{
    DelayTable, DowngradeTable, GradeTable, KeepText, LimitsTable, PaceTable, RateTable,
    ReasoningTable, RefuseTable, SealTable, SideChannelsTable, StrengthText, WatermarkTable,
};
use super::plan::{
    BUCKETS, DEFAULT_RESERVE_OUTPUT_TOKENS, Delay, Downgrade, Keep, LONGEST_LIFETIME, Limits,
    Measure, Mode, MultiTurn, Pace, Plan, Rate, Reasoning, Refuse, Scope, Seal, SideChannels,
    Strength, Watermark,
};
use super::source::Source;
use super::value::At;

/// Clients give up on a silent server not long after.
const MAX_FIRST_TOKEN_DELAY: Duration = Duration::from_secs(30);

const MAX_MESSAGE_BYTES: usize = 500;

/// Members that carry the text once more, or the model's distribution over it.
const LEAKS: [&str; 7] = [
    "logprobs",
    "top_logprobs",
    "prompt_logprobs",
    "token_ids",
    "prompt_token_ids",
    "return_token_ids",
    "encrypted_content",
];

/// Compiles the tables of one grade.
pub(super) struct Measures<'s, 't> {
    pub(super) source: &'s mut Source<'t>,
    /// The policy's own mode.
    pub(super) mode: Mode,
    /// Whether the policy governs Anthropic Messages.
    pub(super) has_messages: bool,
}

impl Measures<'_, '_> {
    pub(super) fn plan(&mut self, grade: &GradeTable) -> Plan {
        let at = grade.at.as_ref().map_or(0.0, |at| at.value);
        let plan = Plan {
            refuse: grade.refuse.as_ref().map(|table| self.refuse(table)),
            rate: grade.rate.as_ref().map(|table| self.rate(table)),
            downgrade: grade.downgrade.as_ref().map(|table| self.downgrade(table)),
            side_channels: grade.side_channels.as_ref().map(|table| self.side_channels(table)),
            reasoning: grade.reasoning.as_ref().map(|table| self.reasoning(table)),
            watermark: grade.watermark.as_ref().map(|table| self.watermark(table, at)),
            pace: grade.pace.as_ref().map(|table| self.pace(table)),
        };
        if let Some(At { value, span }) = &grade.refuse {
            let alone = Plan { refuse: plan.refuse.clone(), ..Plan::default() };
            if value.mode != Some(Mode::Observe) && plan != alone {
                let hint = "give the refusal a grade of its own, or `mode = \"observe\"`";
                let message = "the grade's other countermeasures never apply beside a refusal";
                self.source.problem(span, message, Some(hint));
            }
        }
        plan
    }

    fn measure<T>(&self, mode: Option<Mode>, settings: T) -> Measure<T> {
        Measure { mode: mode.unwrap_or(Mode::Enforce).min(self.mode), settings }
    }

    fn refuse(&mut self, table: &At<RefuseTable>) -> Measure<Refuse> {
        let RefuseTable { mode, message } = &table.value;
        if let Some(At { value, span }) = message {
            let printable = !value.chars().any(char::is_control);
            if value.trim().is_empty() || value.len() > MAX_MESSAGE_BYTES || !printable {
                let message = format!("is not one line of 1 to {MAX_MESSAGE_BYTES} bytes");
                self.source.problem(span, message, None);
            }
        }
        let given = message.as_ref().map(|message| Refuse { message: message.value.clone() });
        self.measure(*mode, given.unwrap_or_default())
    }

    fn rate(&mut self, table: &At<RateTable>) -> Measure<Rate> {
        let At { value, span } = table;
        let RateTable { mode, account, cluster, advertised, reserve_output_tokens } = value;
        let [account, cluster] =
            [account, cluster].map(|table| table.as_ref().map(limits).unwrap_or_default());
        let unlimited = Limits::default();
        if account == unlimited && cluster == unlimited {
            self.source.lack(span, "limits neither the account nor the cluster", None);
        } else if cluster == unlimited {
            let message = "nothing limits the cluster: its accounts get their limits once each";
            self.source.notice(span, message);
        }
        let settings = Rate {
            account,
            cluster,
            advertised: advertised.as_ref().map(limits),
            reserve_output_tokens: reserve_output_tokens.unwrap_or(DEFAULT_RESERVE_OUTPUT_TOKENS),
        };
        self.measure(*mode, settings)
    }

    fn downgrade(&mut self, table: &At<DowngradeTable>) -> Measure<Downgrade> {
        let At { value, span } = table;
        let DowngradeTable {
            mode,
            models,
            other_models,
            max_output_tokens,
            max_effort,
            max_thinking_tokens,
            disclose,
        } = value;
        let mut map = Vec::new();
        for (pattern, target) in models.iter().flatten() {
            self.model(target);
            // Where others are replaced, this says that one is not.
            if other_models.is_none() && pattern.to_string() == target.value {
                let message = format!("{:?} is replaced by itself", target.value);
                self.source.problem(&target.span, message, None);
            }
            map.push((pattern.clone(), target.value.clone()));
        }
        map.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.specificity()));
        if let Some(target) = other_models {
            self.model(target);
        } else if let Some(At { span, .. }) = models.iter().flatten().next().map(|(_, it)| it) {
            if !map.iter().any(|(pattern, _)| pattern.covers_all()) {
                let message = "models that no pattern covers answer as asked; `other_models` says \
                               what answers instead";
                self.source.notice(span, message);
            }
        }
        let capped =
            max_output_tokens.is_some() || max_effort.is_some() || max_thinking_tokens.is_some();
        if map.is_empty() && other_models.is_none() && !capped {
            self.source.lack(span, "neither replaces a model nor caps anything", None);
        }
        if let Some(At { value: false, span }) = disclose {
            let message = "a covert downgrade: the client is shown the model it asked for, not the \
                           one that answered";
            self.source.notice(span, message);
        }
        let settings = Downgrade {
            models: map,
            other_models: other_models.as_ref().map(|target| target.value.clone()),
            max_output_tokens: *max_output_tokens,
            max_effort: max_effort.map(|effort| effort.0),
            max_thinking_tokens: *max_thinking_tokens,
            disclose: disclose.as_ref().is_none_or(|disclose| disclose.value),
        };
        self.measure(*mode, settings)
    }

    /// Checks the name of a model that is asked instead of another.
    fn model(&mut self, At { value, span }: &At<String>) {
        if value.trim().is_empty() || value.contains('*') {
            let message = format!("{value:?} is not the name of a model");
            self.source.problem(span, message, Some("only what is replaced is a pattern"));
        }
    }

    fn side_channels(&mut self, table: &At<SideChannelsTable>) -> Measure<SideChannels> {
        let SideChannelsTable { mode, max_choices, allow } = &table.value;
        let allow = allow.as_deref().unwrap_or_default();
        for At { value, span } in allow {
            if value.trim().is_empty() {
                self.source.problem(span, "is empty", None);
            } else if LEAKS.contains(&value.as_str()) {
                self.source.notice(span, format!("{value:?} gives back what this closes"));
            }
        }
        let settings = SideChannels {
            max_choices: max_choices.unwrap_or(NonZeroU32::MIN),
            allow: allow.iter().map(|member| member.value.clone()).collect(),
        };
        self.measure(*mode, settings)
    }

    fn reasoning(&mut self, table: &At<ReasoningTable>) -> Measure<Reasoning> {
        let At { value, span } = table;
        let ReasoningTable {
            mode,
            keep,
            signed,
            opened_by_template,
            ask_upstream,
            round_usage,
            seal,
        } = value;
        match keep {
            Some(At { value: KeepText::Share(share), span }) if !(*share > 0.0 && *share < 1.0) => {
                let message = format!("{share} is not a share between 0 and 1, both excluded");
                self.source.problem(span, message, Some("`keep = \"none\"` withholds all of it"));
            }
            Some(At { value: KeepText::None, .. }) => {}
            Some(At { span, .. }) if self.has_messages && signed.is_none() && seal.is_none() => {
                let message = "Anthropic Messages signs its thinking blocks, and refuses a \
                               shortened one when the client sends it back at the next tool turn";
                let hint = "write `signed = \"seal\"` beside `keep`: signed blocks are emptied \
                            with their signature kept, and the others shortened; or take \
                            \"messages\" out of `scope.protocols`";
                self.source.problem(span, message, Some(hint));
            }
            Some(_) => {}
            None => {
                self.source.missing(span, "keep", Some("`keep = \"none\"` withholds all of it"))
            }
        }
        let keep = match keep.as_ref().map(|keep| keep.value) {
            Some(KeepText::Words(words)) => Keep::Words(words),
            Some(KeepText::Share(share)) => Keep::Share(share),
            Some(KeepText::Conclusion) => Keep::Conclusion,
            Some(KeepText::Summary) => Keep::Summary,
            Some(KeepText::None) | None => Keep::None,
        };
        let seal = seal.as_ref().map(|table| self.seal(table, keep));
        self.summary(keep, span, seal.is_some());
        if let Some((At { value, span }, step)) =
            round_usage.as_ref().zip(seal.map(|seal| seal.tokens()))
        {
            if *value < step {
                let message = format!(
                    "token counts tell more of the length than the size of a blob does, unless they \
                     are rounded to {step}, which is what they are where nothing is said"
                );
                self.source.notice(span, message);
            }
        }
        let round_usage = round_usage.as_ref().map(|step| step.value);
        let settings = Reasoning {
            keep,
            opened_by_template: self
                .source
                .patterns(opened_by_template.as_deref().unwrap_or_default()),
            ask_upstream: ask_upstream.unwrap_or(false),
            round_usage: round_usage.or(seal.map(|seal| seal.tokens())),
            seal,
        };
        self.measure(*mode, settings)
    }

    /// Says what a summary needs, and where none is shown.
    fn summary(&mut self, keep: Keep, span: &Range<usize>, seals: bool) {
        if keep != Keep::Summary {
            return;
        }
        let message = "`keep = \"summary\"` needs the [summarizer] of the configuration, or of the \
                       program that embeds the layer; what it does not sum up in time is withheld whole";
        self.source.notice(span, message);
        if self.has_messages && !seals {
            let message = "Anthropic Messages signs its thinking blocks, which show a summary only \
                           beside a `seal`: without one they are emptied";
            self.source.notice(span, message);
        }
    }

    fn seal(&mut self, table: &At<SealTable>, keep: Keep) -> Seal {
        let SealTable { lifetime, bind, unopened, bucket, in_strings } = &table.value;
        if let Some(At { value: true, span }) = in_strings {
            if keep != Keep::None {
                let message = "a string has room for the blob or for what is kept, not for both";
                self.source.problem(span, message, Some("write `keep = \"none\"`"));
            }
        }
        if let Some(At { value, span }) = lifetime {
            if value.0 < Duration::from_secs(60) || value.0 > LONGEST_LIFETIME {
                let hint = "a day is \"24h\", a week \"168h\"";
                self.source.problem(span, "is not from a minute to 366 days", Some(hint));
            }
        }
        if let Some(At { value, span }) = bucket {
            let (least, most) = BUCKETS;
            if value.get() < least || value.get() > most {
                let message = format!("is not from {least} to {most} bytes");
                self.source.problem(span, message, None);
            }
        }
        let default = Seal::default();
        Seal {
            lifetime: lifetime.as_ref().map_or(default.lifetime, |lifetime| lifetime.value.0),
            bind: bind.unwrap_or(default.bind),
            unopened: unopened.unwrap_or(default.unopened),
            bucket: bucket.as_ref().map_or(default.bucket, |bucket| bucket.value),
            in_strings: in_strings.as_ref().map_or(default.in_strings, |it| it.value),
        }
    }

    fn watermark(&mut self, table: &At<WatermarkTable>, at: f64) -> Measure<Watermark> {
        let WatermarkTable { mode, strength, multi_turn } = &table.value;
        let (min, max) = match strength.as_ref().map(|strength| strength.value) {
            Some(StrengthText::Fixed(strength)) => (strength, strength),
            Some(StrengthText::Rising { min, max }) => (min, max),
            None => (1.0, 1.0),
        };
        if let Some(At { span, .. }) = strength {
            let share = |strength: f64| strength > 0.0 && strength <= 1.0;
            if !share(min) || !share(max) {
                let hint = "leave `watermark` out to mark nothing";
                self.source.problem(span, "is not above 0 and at most 1", Some(hint));
            } else if max < min {
                self.source.problem(span, "`max` is less than `min`", None);
            }
        }
        if let Some(At { value, span }) = multi_turn {
            let message = match value {
                MultiTurn::Skip => None,
                MultiTurn::Restore => Some(
                    "a conversation goes on only where its marked answers are remembered: one \
                     process, or sessions that stay with their replica, for a day after its last \
                     turn",
                ),
                MultiTurn::Mark => Some(
                    "an upstream that signs its reasoning (Anthropic's own API) may refuse a \
                     conversation in which text was marked that stands before it",
                ),
            };
            if let Some(message) = message.filter(|_| self.has_messages) {
                self.source.notice(span, message);
            }
        }
        let settings = Watermark {
            strength: Strength { min, max, at },
            multi_turn: multi_turn.as_ref().map(|multi_turn| multi_turn.value).unwrap_or_default(),
        };
        self.measure(*mode, settings)
    }

    fn pace(&mut self, table: &At<PaceTable>) -> Measure<Pace> {
        let At { value, span } = table;
        let PaceTable { mode, tokens_per_second, shared_by, first_token_delay } = value;
        if tokens_per_second.is_none() && first_token_delay.is_none() {
            self.source.lack(span, "slows nothing down", None);
        }
        let first_token_delay = first_token_delay.as_ref().and_then(|delay| self.delay(delay));
        let settings = Pace {
            tokens_per_second: *tokens_per_second,
            shared_by: shared_by.unwrap_or(Scope::Cluster),
            first_token_delay,
        };
        self.measure(*mode, settings)
    }

    fn delay(&mut self, table: &At<DelayTable>) -> Option<Delay> {
        let At { value: DelayTable { min, max }, span } = table;
        for (bound, name) in [(min, "min"), (max, "max")] {
            if bound.is_none() {
                self.source.missing(span, name, None);
            }
        }
        let (min, max) = (min.as_ref()?, max.as_ref()?);
        if max.value.0 < min.value.0 {
            self.source.problem(&max.span, "is shorter than `min`", None);
        }
        for bound in [min, max] {
            if bound.value.0 > MAX_FIRST_TOKEN_DELAY {
                let limit = MAX_FIRST_TOKEN_DELAY.as_secs();
                let message = format!("is longer than {limit} s, at which clients give up");
                self.source.problem(&bound.span, message, None);
            }
        }
        Some(Delay { min: min.value.0, max: max.value.0 })
    }
}

fn limits(table: &LimitsTable) -> Limits {
    let LimitsTable { requests, input_tokens, output_tokens, reasoning_tokens, concurrency } =
        table;
    Limits {
        requests: requests.map(|quota| quota.0),
        input_tokens: input_tokens.map(|quota| quota.0),
        output_tokens: output_tokens.map(|quota| quota.0),
        reasoning_tokens: reasoning_tokens.map(|quota| quota.0),
        concurrency: *concurrency,
    }
}
