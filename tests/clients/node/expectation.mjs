// What an exchange through the proxy should come to, worked out from the upstream's own answer.

import { readFileSync } from "node:fs";

import { PREFIX } from "./exchange.mjs";

const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
const SMALLEST_BUDGET = 1024; // of thinking tokens, in Messages
const WINDOW = 6; // words of reasoning in a row that may not reach the client

// Phrasings, and the shortest between which and them a mark chooses.
const SUITE = JSON.parse(readFileSync(process.env.CLIENT_SUITE, "utf8"));
const PHRASINGS = new Map(SUITE.phrasings);
const LONGER = new RegExp(`(?<![\\w'-])(${[...PHRASINGS.keys()].join("|")})(?![\\w'-])`, "g");

/** A value with the shortest of the phrasings between which a mark chooses, so that it reads the
 * same before and after it was marked. */
export function phrased(value, plan) {
  if (!plan.marked) return value;
  if (Array.isArray(value)) return value.map((item) => phrased(item, plan));
  if (value && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, phrased(item, plan)]));
  if (typeof value !== "string") return value;
  let text = value.toLowerCase().replaceAll("’", "'");
  // What is put in may make another phrasing with what stands beside it.
  for (let last = ""; last !== text; ) {
    last = text;
    text = text.replace(LONGER, (longer) => PHRASINGS.get(longer));
  }
  return text;
}

/** The parameters as the upstream should see them once the plan has been applied. */
export function admitted(asked, plan) {
  const params = structuredClone(asked);
  if (plan.max_choices) {
    delete params.logprobs;
    delete params.top_logprobs;
    if (params.n) params.n = Math.min(params.n, plan.max_choices);
  }
  if (plan.downgrade) {
    const { max_effort: most, max_output_tokens: cap, max_thinking_tokens } = plan.downgrade;
    params.model = replacement(params.model, plan.downgrade);
    if (params.reasoning_effort) {
      const at = Math.min(EFFORTS.indexOf(params.reasoning_effort), EFFORTS.indexOf(most));
      params.reasoning_effort = EFFORTS[at];
    }
    if (params.max_tokens) params.max_tokens = Math.min(params.max_tokens, cap);
    if (params.thinking?.budget_tokens) {
      const budget = Math.min(params.thinking.budget_tokens, max_thinking_tokens ?? Infinity, cap - 1);
      if (budget < SMALLEST_BUDGET) params.thinking = { type: "disabled" };
      else params.thinking.budget_tokens = budget;
    }
  }
  return params;
}

/** The model that answers instead: names are compared without their `:variant`. */
export const replacement = (model, { models, other_models }) =>
  models[model] ?? models[model.split(":")[0]] ?? other_models ?? model;

/** Content cut into the reasoning inside it and the rest. */
function divided(content, model, plan) {
  const end = content.indexOf("</think>");
  const inside = content.startsWith("<think>") || plan.opened_by_template.includes(model);
  if (!inside || end < 0) return ["", content];
  return [content.slice(0, end).replace("<think>", ""), content.slice(end + 8).replace(/^\n+/, "")];
}

/** Counts of the output and its parts. */
const COUNTS = ["completion_tokens", "output_tokens", "reasoning_tokens", "thinking_tokens"];

/** A completion or message as it should be when its reasoning is withheld and its counts rounded. */
export function withoutReasoning(value, model, plan, step = 1, output = Infinity) {
  const up = (count) => Math.ceil(count / step) * step;
  // A count is not rounded past all of the output, which is rounded itself.
  const stated = value?.completion_tokens || value?.output_tokens;
  const all = stated ? up(stated) : output;
  const inner = (item) => withoutReasoning(item, model, plan, step, all);
  if (Array.isArray(value)) return value.map(inner);
  if (value === null || typeof value !== "object") return value;
  const result = {};
  for (const [name, item] of Object.entries(value)) {
    if (name === "reasoning_content" || name === "reasoning") continue;
    if (name === "thinking" && value.type === "thinking") result[name] = "";
    // The libraries differ in what they make of the other members.
    else if (name === "reasoning_details") result[name] = item?.map(({ signature }) => (plan.sealed ? Boolean(signature) : signature ?? null));
    // What is there carries the blob.
    else if (["signature", "data"].includes(name) && plan.sealed) result[name] = Boolean(item);
    // This library's helper makes a string of parts, and none when there were none.
    else if (name === "content" && typeof item === "string")
      result[name] = divided(item.replaceAll("[object Object]", ""), model, plan)[1] || null;
    // Asked for by the proxy, to count, and left out of the stream.
    else if (name === "usage" && item === null) continue;
    else if (COUNTS.includes(name) && item) result[name] = Math.min(up(item), all);
    else if (name === "total_tokens" && item) result[name] = value.prompt_tokens + all;
    else result[name] = inner(item);
  }
  return result;
}

// Of the output, of its parts, of the input and of both, and times by which the output could be told.
const OUTPUTS = ["completion_tokens", "output_tokens", "eval_count"];
const PARTS = ["reasoning_tokens", "thinking_tokens", "candidatesTokenCount", "thoughtsTokenCount"];
const INPUTS = ["prompt_tokens", "input_tokens", "prompt_eval_count", "promptTokenCount"];
const TOTALS = ["total_tokens", "totalTokenCount"];
const TIMES = ["total_duration", "eval_duration"];

/** Counts as the client should see them: those of the output rounded up, and the sum with the input. */
export function counted(usage, plan, over = Infinity) {
  const step = plan.round_usage ?? 1;
  if (step === 1 || usage === null || typeof usage !== "object" || Array.isArray(usage)) return usage;
  const up = (count) => Math.ceil((count ?? 0) / step) * step;
  const first = (names) => usage[names.find((name) => usage[name])];
  const most = first(OUTPUTS) ? up(first(OUTPUTS)) : over;
  // Gemini tells its thoughts beside its answer, and not both together.
  const whole = first(OUTPUTS) ? most : PARTS.reduce((sum, name) => sum + up(usage[name]), 0);
  const count = (name, item) => {
    if (TIMES.includes(name)) return null;
    if (item && TOTALS.includes(name)) return first(INPUTS) + whole;
    if (item && (OUTPUTS.includes(name) || PARTS.includes(name))) return Math.min(up(item), most);
    return counted(item, plan, most);
  };
  return Object.fromEntries(Object.entries(usage).map(([name, item]) => [name, count(name, item)]));
}

/** All the text in a completion or message, or in pieces of one, that stands in a place for reasoning. */
export function reasoningIn(value, model, plan) {
  if (Array.isArray(value)) return value.map((item) => reasoningIn(item, model, plan)).join("");
  if (value === null || typeof value !== "object") return "";
  return Object.entries(value)
    .map(([name, item]) => {
      const text = typeof item === "string";
      if (["reasoning_content", "reasoning", "thinking"].includes(name) && text) return item;
      if (name === "reasoning_details" || (name === "thinking" && Array.isArray(item)))
        return (item ?? []).map((part) => part.text ?? "").join("");
      if (name === "content" && text) return divided(item, model, plan)[0];
      return reasoningIn(item, model, plan);
    })
    .join("");
}

/** A value with nothing where blobs stand. */
export const withoutBlobs = (value) =>
  JSON.parse(JSON.stringify(value).replaceAll(new RegExp(`${PREFIX}[A-Za-z0-9+/]*`, "g"), ""));

/** Every string of a value, in order. */
function texts(value) {
  if (typeof value === "string") return value;
  return value && typeof value === "object" ? Object.values(value).map(texts).join(" ") : "";
}

/** Runs of words of the upstream's reasoning that reached the client, and stand in nothing else that
 * the upstream said. */
export function leaked(observed, reasoning, elsewhere) {
  const words = reasoning.split(/\s+/);
  const [said, allowed] = [observed, elsewhere].map((value) => texts(value).split(/\s+/).join(" "));
  return words
    .map((_, at) => words.slice(at, at + WINDOW))
    .filter((run) => run.length === WINDOW)
    .map((run) => run.join(" "))
    .filter((run) => said.includes(run) && !allowed.includes(run));
}
