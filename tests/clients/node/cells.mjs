// The matrix: who asks what, in which form, at which risk, through which policy.

import { PREFIX, SUITE, exchange, riskHeaders } from "./exchange.mjs";
import { admitted, replacement } from "./expectation.mjs";

const ONE_STEP = "Maria has 12 apples and buys 5 more. How many apples does she have?";
const TWO_STEPS =
  "Maria has 12 apples, buys 5 more and then eats 4 apples. How many apples does she have? Calculate in parallel.";
const SCHEMA = {
  type: "object",
  properties: { expression: { type: "string" } },
  required: ["expression"],
  additionalProperties: false,
};
const CALCULATOR = { name: "calculate", description: "Evaluates an arithmetic expression." };
const TOOLS = {
  openai: [{ type: "function", function: { ...CALCULATOR, strict: true, parameters: SCHEMA } }],
  anthropic: [{ ...CALCULATOR, input_schema: SCHEMA }],
};
export const DIALECTS = ["", ":reasoning", ":think", ":think-open", ":details", ":mistral"];
export const FORMS = ["JSON", "stream", "stream helper"];
const FAULTS = ["429", "500", "529", "midstream", "cut"];
// What is asked, by the library that asks it: the parameters besides model and question.
const SCENARIOS = {
  openai: {
    "a plain question": {},
    "a tool turn": { tools: TOOLS.openai },
    "a greedy question": { logprobs: true, top_logprobs: 2, n: 2, reasoning_effort: "high" },
    "a stream with usage": { stream_options: { include_usage: true } },
  },
  anthropic: {
    "a plain question": {},
    "a tool turn": { tools: TOOLS.anthropic },
    "a thinking budget": { thinking: { type: "enabled", budget_tokens: 2048 } },
    "a redacted question": {},
  },
};
let number = 0;

export function ask(sdk, model, scenario) {
  let content = scenario === "a tool turn" ? TWO_STEPS : ONE_STEP;
  if (scenario === "a redacted question") content += " TEACHER_TRIGGER_REDACTED_THINKING";
  const params = { model, messages: [{ role: "user", content }], ...SCENARIOS[sdk][scenario] };
  return sdk === "anthropic" ? { max_tokens: 4000, ...params } : params;
}

/** The request that sends the tools' results back, the assistant's message as it was received. */
function nextTurn(sdk, params, whole) {
  let echoed;
  if (sdk === "openai") {
    const said = whole.choices[0].message;
    const results = (said.tool_calls ?? []).map(({ id }) => ({ role: "tool", tool_call_id: id, content: "17" }));
    echoed = results.length && [said, ...results];
  } else {
    const calls = whole.content.filter(({ type }) => type === "tool_use");
    const content = calls.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "17" }));
    echoed = content.length && [{ role: "assistant", content: whole.content }, { role: "user", content }];
  }
  return echoed ? { ...params, messages: [...params.messages, ...echoed] } : null;
}

const answers = new Map();
function remembered(key, make) {
  if (!answers.has(key)) answers.set(key, make());
  return answers.get(key);
}

/** What the same call gives without the proxy. The upstream answers the same each time. */
export function upstream(sdk, form, params, url = SUITE.upstream) {
  const key = JSON.stringify([sdk, form, url, params]);
  return remembered(key, () => exchange(sdk, form, url, params));
}

/** The turns of a conversation: parameters, what the client got, what the upstream gives for it. */
export async function converse({ at, risk, sdk, form, scenario, model }) {
  const account = `node-${number++}`;
  const turns = [];
  let params = ask(sdk, model, scenario);
  let theirs = params;
  while (params && turns.length < 2) {
    const got = await exchange(sdk, form, at.url, params, riskHeaders(sdk, risk.score, account));
    const expected = await upstream(sdk, form, admitted(theirs, risk.plan), at.upstream);
    turns.push({ params, got, expected });
    params = !got.error && scenario === "a tool turn" ? nextTurn(sdk, params, got.whole) : null;
    // A blob means nothing to the upstream: it has to get what it holds. Reasoning in the answer's own text is not sealed.
    const sealed = params && JSON.stringify(got.whole).includes(PREFIX);
    theirs = sealed ? nextTurn(sdk, theirs, expected.whole) : params;
  }
  return turns;
}

/** How the conversation goes without the proxy: the error of each turn. */
export function direct({ at, risk: { plan }, sdk, form, scenario, model: asked }) {
  const model = plan.downgrade ? replacement(asked, plan.downgrade) : asked;
  const behind = { url: at.upstream, upstream: at.upstream };
  return remembered(JSON.stringify(["direct", sdk, form, scenario, model, behind]), async () => {
    const turns = await converse({ at: behind, risk: { score: null, plan: {} }, sdk, form, scenario, model });
    return turns.map(({ got }) => got.error);
  });
}

/** Whether a stream is cut that the proxy reads, which then says so by the protocol's own error where
 * the library would only have seen a broken connection. */
export const toldByTheProxy = ({ risk: { plan }, model }) =>
  model === "teacher-error-cut" && Object.keys(plan).length > 0 && !plan.downgrade;

function forms(sdk, scenario, dialect, { plan }) {
  // The conversations that are sealed are held by a suite of their own.
  if (plan.sealed) return scenario === "a stream with usage" ? ["stream"] : ["JSON", "stream"];
  const untouched = !Object.keys(plan).length;
  const list = scenario === "a stream with usage" ? ["stream", "stream helper"] : [...FORMS];
  if (scenario === "a plain question" && untouched) list.push("raw JSON", "raw stream");
  if (scenario === "a tool turn" && !dialect) {
    list.push("tool runner");
    if (sdk === "openai") list.push("streaming tool runner");
  }
  return list;
}

export function* cells() {
  for (const at of SUITE.policies) {
    const wanted = at.name === "opened-by-template" ? ["", ":think-open"] : DIALECTS;
    for (const risk of at.risks)
      for (const sdk of Object.keys(SCENARIOS)) {
        for (const scenario of Object.keys(SCENARIOS[sdk])) {
          const every = sdk === "openai" && ["a plain question", "a tool turn"].includes(scenario);
          for (const dialect of every ? wanted : [""])
            for (const form of forms(sdk, scenario, dialect, risk))
              yield { at, risk, sdk, form, scenario, model: `teacher-large${dialect}` };
        }
        if (at.name !== "graded") continue;
        for (const fault of FAULTS)
          for (const form of FORMS) {
            // Events must be on their way when the connection is cut, hence the slow upstream.
            if (fault === "cut" && form === "JSON") continue;
            const on = fault === "cut" ? { ...SUITE.slow, name: "graded, slow" } : at;
            yield { at: on, risk, sdk, form, scenario: "a plain question", model: `teacher-error-${fault}` };
          }
      }
  }
}

export const name = ({ at, risk, sdk, form, scenario, model }) =>
  `${at.name}, ${risk.name}, ${sdk} ${form}, ${scenario}, ${model}`;
