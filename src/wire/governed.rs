//! Members of requests that set what a downgrade governs besides the model: one table for bodies,
//! objects inside of them, and queries.

/// A member, where it stands, and what it sets.
struct Governed {
    /// The object of the top level that holds it, if one does.
    holder: Option<&'static str>,
    name: &'static str,
    /// It caps the output, in tokens.
    caps: bool,
}

const fn plain(name: &'static str) -> Governed {
    Governed { holder: None, name, caps: false }
}

const fn cap(name: &'static str) -> Governed {
    Governed { holder: None, name, caps: true }
}

const fn within(holder: &'static str, governed: Governed) -> Governed {
    Governed { holder: Some(holder), ..governed }
}

const GOVERNED: [Governed; 31] = [
    cap("max_completion_tokens"),
    cap("max_gen_len"),
    cap("max_output_tokens"),
    cap("max_tokens"),
    cap("max_tokens_to_sample"),
    cap("n_predict"),
    plain("output_config"),
    plain("reasoning"),
    plain("reasoning_effort"),
    plain("thinking"),
    plain("thinking_token_budget"),
    within("generationConfig", cap("maxOutputTokens")),
    within("generationConfig", cap("max_output_tokens")),
    within("generation_config", cap("maxOutputTokens")),
    within("generation_config", cap("max_output_tokens")),
    within("inferenceConfig", cap("maxTokens")),
    within(OPTIONS, cap("max_completion_tokens")),
    within(OPTIONS, cap("max_tokens")),
    within(OPTIONS, cap("num_predict")),
    within("output_config", plain("effort")),
    within("parameters", cap("max_new_tokens")),
    within("reasoning", plain("effort")),
    within("reasoning", plain("enabled")),
    within("reasoning", plain("max_tokens")),
    within("sampling_params", cap("max_new_tokens")),
    within("textGenerationConfig", cap("maxTokenCount")),
    within("thinking", plain("budget_tokens")),
    within("thinking", plain("display")),
    within("thinking", plain("effort")),
    within("thinking", plain("token_budget")),
    within("thinking", plain("type")),
];

/// The object that few servers read, Ollama's, in which clients write caps for any.
pub(super) const OPTIONS: &str = "options";

/// Whether a member of the top level, its name in folded case, sets what is governed.
pub(super) fn is_governed(folded: &str) -> bool {
    GOVERNED.iter().any(|it| it.holder.is_none() && it.name.eq_ignore_ascii_case(folded))
}

/// The name of a member that caps output, if it does where it stands.
pub(super) fn cap_named(holder: Option<&str>, name: &[u8]) -> Option<&'static str> {
    let caps = |it: &&Governed| it.caps && it.holder == holder && it.name.as_bytes() == name;
    GOVERNED.iter().find(caps).map(|it| it.name)
}

/// The object of this name, if something is governed in it.
pub(super) fn holder_named(name: &[u8]) -> Option<&'static str> {
    GOVERNED.iter().find_map(|it| it.holder.filter(|holder| holder.as_bytes() == name))
}

/// The name of what is governed in an object, as it is documented, by its name in folded case.
pub(super) fn governed_in(holder: &str, folded: &str) -> Option<&'static str> {
    let named = |it: &&Governed| it.holder == Some(holder) && it.name.eq_ignore_ascii_case(folded);
    GOVERNED.iter().find(named).map(|it| it.name)
}
