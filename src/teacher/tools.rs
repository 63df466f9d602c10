//! Tool calls: when one is made, with which arguments, and what is said of the results.

use serde_json::{Map, Value, json};

use super::ask::{Ask, Tool, ToolChoice};
use super::output::Block;
use super::problem::{Number, Solution, Step};
use super::wording::Wording;

/// At most this many calls in one turn.
const MOST_CALLS: usize = 4;

fn calculates(tool: &Tool) -> bool {
    let text = format!("{} {}", tool.name, tool.description).to_lowercase();
    ["calc", "math", "evaluat", "arithmetic", "comput"].iter().any(|word| text.contains(word))
        || tool.schema.pointer("/properties/expression").is_some()
}

/// The calls to make now; empty when the answer is given at once.
pub(crate) fn calls(ask: &Ask, solution: Option<&Solution>, choice: u64) -> Vec<Block> {
    let solution = solution.filter(|solution| !solution.steps.is_empty());
    let tool = match &ask.tool_choice {
        ToolChoice::Never => None,
        ToolChoice::Auto => {
            ask.tools.iter().find(|tool| calculates(tool)).filter(|_| solution.is_some())
        }
        ToolChoice::Any => ask.tools.iter().find(|tool| calculates(tool)).or(ask.tools.first()),
        ToolChoice::Named(name) => ask.tools.iter().find(|tool| tool.name == *name),
    };
    let Some(tool) = tool else { return Vec::new() };
    let steps: Vec<Option<&Step>> = match solution {
        Some(solution) if ask.parallel && solution.steps.len() > 1 => {
            solution.steps.iter().take(MOST_CALLS).map(Some).collect()
        }
        Some(solution) => vec![solution.steps.first()],
        None => vec![None],
    };
    let single = steps.len() == 1;
    let calls = steps.into_iter().enumerate().map(|(at, step)| {
        let expression = match (single, solution, step) {
            (true, Some(solution), _) => Some(solution.expression.clone()),
            (_, _, step) => step.map(Step::expression),
        };
        let arguments = arguments(tool, step, expression.as_deref(), ask.question());
        let id = ask.id("call", choice * 16 + at as u64);
        Block::Call { id, name: tool.name.clone(), arguments: arguments.to_string() }
    });
    calls.collect()
}

fn arguments(tool: &Tool, step: Option<&Step>, expression: Option<&str>, question: &str) -> Value {
    let mut filled = Map::new();
    let mut operands = step.into_iter().flat_map(|step| [step.left.0, step.right.0]);
    let question: String = question.chars().take(200).collect();
    if let Some(properties) = tool.schema.get("properties").and_then(Value::as_object) {
        for (name, schema) in properties.iter().take(32) {
            let kind = schema.get("type").and_then(Value::as_str).unwrap_or("string");
            let options = schema.get("enum").and_then(Value::as_array);
            let value = match (kind, options) {
                (_, Some(options)) => operation(options, step),
                ("number", _) => number(operands.next()),
                ("integer", _) => {
                    operands.next().and_then(Number::to_i64).map_or(json!(0), |whole| json!(whole))
                }
                ("boolean", _) => json!(true),
                ("array", _) => {
                    Value::Array(operands.by_ref().map(|operand| number(Some(operand))).collect())
                }
                ("object", _) => json!({}),
                _ if name.starts_with("op") => json!(step.map_or("+", |step| word(step.sign))),
                _ => json!(expression.unwrap_or(&question)),
            };
            filled.insert(name.clone(), value);
        }
    }
    Value::Object(filled)
}

fn number(value: Option<Number>) -> Value {
    match value {
        Some(value) => value.to_i64().map_or_else(|| json!(value.to_f64()), |whole| json!(whole)),
        None => json!(0),
    }
}

fn word(sign: char) -> &'static str {
    match sign {
        '+' => "add",
        '-' => "subtract",
        '*' => "multiply",
        'r' => "modulo",
        _ => "divide",
    }
}

fn operation(options: &[Value], step: Option<&Step>) -> Value {
    let sign = step.map_or('+', |step| step.sign);
    let fits = |option: &&Value| {
        option.as_str().is_some_and(|text| {
            text.starts_with(word(sign).get(..3).unwrap_or_default())
                || (text.len() == 1 && text.starts_with(sign))
        })
    };
    options.iter().find(fits).or(options.first()).cloned().unwrap_or(Value::Null)
}

/// Thinking between two calls of one turn.
pub(crate) fn between(wording: &mut Wording) -> String {
    wording
        .pick(&[
            "The next calculation doesn't depend on that result, so I can request it as well.",
            "I also need the following step, so let me call the tool again.",
            "That covers one part. Another call will take care of the next one.",
        ])
        .to_owned()
}

/// Thinking once results have arrived.
pub(crate) fn after(
    results: &[&str],
    solution: Option<&Solution>,
    wording: &mut Wording,
) -> String {
    let shown = brief(results.last().copied().unwrap_or_default());
    let first = match wording.below(2) {
        0 => format!("The tool has returned {shown}."),
        _ => format!("Okay, the result from the tool is {shown}."),
    };
    let second = match solution {
        Some(solution) => format!(
            "My own working of {} gives {}. Now I can explain the answer.",
            solution.expression,
            solution.result()
        ),
        None => "I'll pass this on as it is, without adding anything that I don't know.".to_owned(),
    };
    format!("{first} {second}")
}

/// What the answer says of the tool's results.
pub(crate) fn remark(
    results: &[&str],
    solution: &Solution,
    wording: &mut Wording,
) -> Option<String> {
    let last = results.last()?;
    let agrees = results.iter().any(|result| read(result) == Some(solution.value));
    let steps = results.len() > 1
        && results
            .iter()
            .zip(&solution.steps)
            .all(|(result, step)| read(result) == Some(step.value.0));
    Some(if agrees || steps {
        let shown: Vec<String> = results.iter().map(|result| brief(result)).collect();
        let shown = shown.join(", then ");
        match wording.below(3) {
            0 => format!("The tool confirms this: it returned {shown}."),
            1 => format!("I've also used the tool for this, and it returned {shown}."),
            _ => format!(
                "According to the tool, the value is {shown}, which agrees with the steps above."
            ),
        }
    } else {
        format!(
            "The tool returned {}, which does not agree with the working above; I trust the working.",
            brief(last)
        )
    })
}

/// Passes results on when there is nothing to calculate.
pub(crate) fn report(results: &[&str], wording: &mut Wording) -> String {
    let shown: Vec<String> = results.iter().map(|result| brief(result)).collect();
    let shown = shown.join("; ");
    match wording.below(3) {
        0 => format!("Here's what the tool returned: {shown}. I hope that helps."),
        1 => format!(
            "According to the tool, the result is: {shown}. Let me know if you'd like anything else."
        ),
        _ => format!("I've looked that up for you. The tool says: {shown}."),
    }
}

fn brief(result: &str) -> String {
    let text: String = result.trim().chars().take(400).collect();
    if text.is_empty() { "nothing".to_owned() } else { text }
}

/// The number a result states: bare, or under a usual key of a JSON object.
fn read(result: &str) -> Option<Number> {
    let value: Option<Value> = serde_json::from_str(result.trim()).ok();
    let text = match value {
        Some(Value::Object(map)) => ["result", "value", "answer", "output"]
            .iter()
            .find_map(|key| map.get(*key))
            .map(Value::to_string)?,
        Some(Value::String(text)) => text,
        _ => result.trim().to_owned(),
    };
    let text = text.trim_matches('"');
    let text = text.strip_suffix(".0").unwrap_or(text);
    Number::read(text)
}
