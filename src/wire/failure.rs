//! What an upstream's error is about, in words that hold nothing of its own.
//!
//! Servers put what the model wrote into their errors (a tool call that does not parse, an output
//! that does not match its schema) and the name of the model that failed. Which part of a message
//! that is nobody can tell, so a caller from whom text or the model's name is kept is told the same
//! in fixed words. They hold the phrases by which client libraries know what to do.

use http::StatusCode;

/// What an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The conversation is longer than the model can read.
    ContextLength,
    /// The account has used up what it has paid for.
    Quota,
    /// Too many requests or tokens at once.
    RateLimit,
    /// No key, or a wrong one.
    Authentication,
    /// Not allowed with this key.
    Permission,
    /// No such model.
    Model,
    /// No such endpoint or object.
    NotFound,
    /// A filter stopped the request or the answer.
    Filter,
    /// The model called no tool in a way that could be read.
    ToolCall,
    /// The model's output does not match the schema that was asked for.
    Structure,
    /// The request is too large.
    TooLarge,
    /// The server has no room.
    Overloaded,
    /// The server took too long.
    Timeout,
    /// The request has a mistake.
    Invalid,
    /// Anything else.
    Server,
}

/// Parts of the names that servers give, letters and digits only, the telling ones first.
const NAMES: [(&str, Failure); 39] = [
    ("contextlength", Failure::ContextLength),
    ("contextwindow", Failure::ContextLength),
    ("stringabovemaxlength", Failure::ContextLength),
    ("insufficientquota", Failure::Quota),
    ("quota", Failure::Quota),
    ("billing", Failure::Quota),
    ("credit", Failure::Quota),
    ("balance", Failure::Quota),
    ("ratelimit", Failure::RateLimit),
    ("throttl", Failure::RateLimit),
    ("toomanyrequests", Failure::RateLimit),
    ("resourceexhausted", Failure::RateLimit),
    ("contentfilter", Failure::Filter),
    ("contentpolicy", Failure::Filter),
    ("responsibleai", Failure::Filter),
    ("moderation", Failure::Filter),
    ("tooluse", Failure::ToolCall),
    ("toolcall", Failure::ToolCall),
    ("jsonvalidate", Failure::Structure),
    ("outputparse", Failure::Structure),
    ("modelnotfound", Failure::Model),
    ("deploymentnotfound", Failure::Model),
    ("apikey", Failure::Authentication),
    ("authentication", Failure::Authentication),
    ("unauthenticated", Failure::Authentication),
    ("unauthorized", Failure::Authentication),
    ("permission", Failure::Permission),
    ("forbidden", Failure::Permission),
    ("accessdenied", Failure::Permission),
    ("notfound", Failure::NotFound),
    ("toolarge", Failure::TooLarge),
    ("overload", Failure::Overloaded),
    ("unavailable", Failure::Overloaded),
    ("timeout", Failure::Timeout),
    ("deadline", Failure::Timeout),
    ("invalid", Failure::Invalid),
    ("validationexception", Failure::Invalid),
    ("badrequest", Failure::Invalid),
    ("unprocessable", Failure::Invalid),
];

/// What servers say of a conversation that is too long, in lower case; few have a name for it.
const TOO_LONG: [&str; 8] = [
    "context length",
    "context window",
    "context size",
    "maximum context",
    "maximum model length",
    "prompt is too long",
    "input is too long",
    "too many tokens",
];

impl Failure {
    /// By a name that the server gives, such as a code or a type.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let plain: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|character| character.to_ascii_lowercase())
            .collect();
        NAMES.into_iter().find(|(part, _)| plain.contains(part)).map(|(_, failure)| failure)
    }

    /// By what the server says, where it has no name for it.
    #[must_use]
    pub fn of_message(message: &str) -> Option<Self> {
        let message = message.to_ascii_lowercase();
        TOO_LONG.iter().any(|phrase| message.contains(phrase)).then_some(Self::ContextLength)
    }

    /// By the status of the response.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::Authentication,
            402 => Self::Quota,
            403 => Self::Permission,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::RateLimit,
            503 | 529 => Self::Overloaded,
            400..=499 => Self::Invalid,
            _ => Self::Server,
        }
    }

    /// What a client is told.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            // Agents shorten the conversation when they read one of the two.
            Self::ContextLength => {
                "This model's maximum context length is exceeded: the prompt is too long. Please \
                 reduce the length of the messages or completion."
            }
            Self::Quota => "You exceeded your current quota. Please check your plan and billing.",
            Self::RateLimit => "Rate limit reached. Please try again later.",
            Self::Authentication => "The API key is missing or incorrect.",
            Self::Permission => "You are not allowed to do this.",
            Self::Model => "The model does not exist or you do not have access to it.",
            Self::NotFound => "The requested resource was not found.",
            Self::Filter => "The request or the response was stopped by the content filter.",
            Self::ToolCall => {
                "The model did not produce a valid tool call. Please adjust the prompt or the tools."
            }
            Self::Structure => {
                "The model's output does not match the requested format. Please adjust the prompt."
            }
            Self::TooLarge => "The request is too large.",
            Self::Overloaded => "The server is overloaded. Please try again later.",
            Self::Timeout => "The request timed out.",
            Self::Invalid => "The request is invalid.",
            Self::Server => "The server had an error while processing the request.",
        }
    }
}

/// Words of which servers and specifications make the names of errors and parameters.
const WORDS: &str = "\
    ability abort aborted above accepted access account active address ai all allow allowed \
    already api argument arguments array arrearage assistant at attempt audio auth \
    authentication authorization authorized available bad balance base64 batch below best bias \
    billing blocked body budget busy cache call calls canceled cancelled cannot capacity channel \
    chat choice choices client closed code completion completions concurrency conflict \
    connection content context control conversation country credit credits cyber data \
    deactivated deadline decimal decommissioned denied deployment deprecated description detail \
    detected disabled does down duplicate effort embedding empty encoding end engine entity \
    error errors exceed exceeded exceeds exception exhausted exist exists expired failed failure \
    failures feature field file files filter finish flagged for forbidden format found frequency \
    function functions gateway generate generation get gone group guided hard header http id \
    image images in incorrect input inspection instructions insufficient integer internal \
    intervention invalid is items jailbreak json k key language large length limit limited \
    limiter limits loading logit logprobs long malformed management max maximum media message \
    messages metadata method min minimum mismatch mismatched missing modalities model models \
    moderation n name no not number object of on operation options organization out output over \
    overflow overload overloaded p parallel parameter parameters params parse parsing path \
    pattern paused payload payment penalty permission policy precondition prediction prefill \
    presence processable processing project prompt properties provider purchased quota quotas \
    range rate rates reached read reason reasoning recitation refused region rejected remote \
    repetition request requests required resource response responsible retry role route safety \
    sampling schema search seed sensitive server service size slow spend status stop stream \
    strict string structured supported suspended syntax system temperature temporarily temporary \
    tenant terms territory text thinking throttled throttling tier time timed timeout to token \
    tokens too tool tools top transport type unauthenticated unauthorized unavailable unexpected \
    unimplemented unknown unprocessable unprocessed unpurchased unsupported up upstream url \
    usage use used user validate validation value values verbosity version video violated \
    violation was web window words wrong";

/// Whether a name is put together of nothing but such words, as the standard's and the vendors'
/// names are: `context_length_exceeded`, `BadRequestError`, `messages[0].content`.
#[must_use]
pub(super) fn is_error_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    // Some vendors number their errors.
    if bytes.len() == 4 && bytes.iter().all(u8::is_ascii_digit) {
        return matches!(bytes.first(), Some(b'1' | b'2'));
    }
    let mut word = String::new();
    let mut all_known = !name.is_empty() && name.len() <= 128;
    let mut end = |word: &mut String| {
        let number = word.len() < 3 && word.bytes().all(|byte| byte.is_ascii_digit());
        all_known &= number || WORDS.split_ascii_whitespace().any(|known| known == word);
        word.clear();
    };
    for (at, &byte) in bytes.iter().enumerate() {
        let before =
            at.checked_sub(1).and_then(|before| bytes.get(before)).copied().unwrap_or(b'_');
        let next = bytes.get(at + 1).copied().unwrap_or(b'_');
        let begins =
            byte.is_ascii_uppercase() && (before.is_ascii_lowercase() || next.is_ascii_lowercase());
        if begins && !word.is_empty() {
            end(&mut word);
        }
        match byte {
            byte if byte.is_ascii_alphanumeric() => word.push(byte.to_ascii_lowercase().into()),
            b'_' | b'-' | b'.' | b'[' | b']' | b'/' | b' ' => end(&mut word),
            _ => return false,
        }
    }
    end(&mut word);
    all_known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_vendors_give_are_known() {
        for name in [
            "invalid_request_error",
            "context_length_exceeded",
            "tool_use_failed",
            "json_validate_failed",
            "BadRequestError",
            "ResponsibleAIPolicyViolation",
            "RESOURCE_EXHAUSTED",
            "DeploymentNotFound",
            "overloaded_error",
            "insufficient_quota",
            "requests",
            "messages[0].content",
            "messages.1.tool_calls",
            "max_completion_tokens",
            "Internal Server Error",
            "integer_below_min_value",
            "decimal_above_max_value",
            "billing_hard_limit_reached",
            "unsupported_country_region_territory",
            "model_decommissioned",
            "slow_down",
            "invalid_base64",
            "DataInspectionFailed",
            "Arrearage",
            "AccessDenied.Unpurchased",
            "exceed_context_size_error",
            "OperationNotSupported",
            "string_pattern_mismatch",
            "mismatched_organization",
            "account_deactivated",
            "cyber_policy_violation",
            "sensitive_words_detected",
            "model_terms_required",
            "1261",
        ] {
            assert!(is_error_name(name), "{name}");
        }
    }

    #[test]
    fn other_words_and_counts_are_no_name_of_an_error() {
        for name in ["", "zebra", "zebra_error", "teacher-small_not_found", "error 7919", "é"] {
            assert!(!is_error_name(name), "{name}");
        }
    }

    #[test]
    fn what_clients_act_on_is_told_apart() {
        for (name, failure) in [
            ("context_length_exceeded", Failure::ContextLength),
            ("ContextWindowExceededError", Failure::ContextLength),
            ("insufficient_quota", Failure::Quota),
            ("RateLimitReached", Failure::RateLimit),
            ("model_not_found", Failure::Model),
            ("content_filter", Failure::Filter),
            ("tool_use_failed", Failure::ToolCall),
            ("overloaded_error", Failure::Overloaded),
        ] {
            assert_eq!(Failure::of_name(name), Some(failure), "{name}");
        }
        let message = "Prompt is too long: 210000 tokens > 200000 maximum";
        assert_eq!(Failure::of_message(message), Some(Failure::ContextLength));
        assert_eq!(Failure::of_status(StatusCode::TOO_MANY_REQUESTS), Failure::RateLimit);
    }
}
