// What the scripted upstream answers over protocols in which reasoning is a string: Ollama's and Cohere's own, and Chat
// Completions, also with Mistral's thinking parts.

import { LAST, THOUGHTS, pieces } from "./scripted.mjs";

const SAID = "It is 17.";
const call = (turn) => ({
  id: `call_${turn}`,
  type: "function",
  function: { name: "calculator", arguments: JSON.stringify({ a: turn }) },
});

const line = (message, done) => ({
  model: "m",
  created_at: "2026-11-30T11:00:00Z",
  message: { role: "assistant", content: "", ...message },
  done,
  ...(done ? { done_reason: "stop" } : {}),
});
const ollamaSaid = (turn) =>
  turn === LAST ? { content: SAID } : { tool_calls: [{ function: { name: "calculator", arguments: { a: turn } } }] };

export const ollama = (turn) => line({ thinking: THOUGHTS[turn], ...ollamaSaid(turn) }, true);
export const ollamaLines = (turn) => [
  ...pieces(THOUGHTS[turn]).map((thinking) => line({ thinking }, false)),
  line(ollamaSaid(turn), false),
  line({}, true),
];

const cohereBlocks = (turn) => [
  { type: "thinking", thinking: THOUGHTS[turn] },
  ...(turn === LAST ? [{ type: "text", text: SAID }] : []),
];
const cohereUsage = { tokens: { input_tokens: 9, output_tokens: 40 } };
const cohereReason = (turn) => (turn === LAST ? "COMPLETE" : "TOOL_CALL");

export const cohere = (turn) => ({
  id: "c",
  generation_id: "c",
  message: {
    role: "assistant",
    content: cohereBlocks(turn),
    ...(turn === LAST ? {} : { tool_calls: [call(turn)] }),
  },
  finish_reason: cohereReason(turn),
  usage: cohereUsage,
});

export function* cohereEvents(turn) {
  yield { type: "message-start", id: "c", delta: { message: { role: "assistant", content: [] } } };
  for (const [index, { type, ...block }] of cohereBlocks(turn).entries()) {
    yield { type: "content-start", index, delta: { message: { content: { type, [type]: "" } } } };
    for (const piece of pieces(block[type]))
      yield { type: "content-delta", index, delta: { message: { content: { [type]: piece } } } };
    yield { type: "content-end", index };
  }
  if (turn !== LAST) {
    yield { type: "tool-call-start", index: 0, delta: { message: { tool_calls: call(turn) } } };
    yield { type: "tool-call-end", index: 0 };
  }
  yield { type: "message-end", id: "c", delta: { finish_reason: cohereReason(turn), usage: cohereUsage } };
}

const whole = { id: "c", object: "chat.completion", created: 1800000000, model: "m" };
const usage = { prompt_tokens: 9, completion_tokens: 40, total_tokens: 49 };
const reason = (turn) => (turn === LAST ? "stop" : "tool_calls");
const thinking = (text) => ({ type: "thinking", thinking: [{ type: "text", text }] });
const thought = (text, parts) => (parts ? { content: [thinking(text)] } : { reasoning_content: text });

/** A chat completion, whose reasoning is a string beside the content or a part of it. */
export function openai(turn, parts) {
  const said = turn === LAST ? SAID : null;
  const content = parts ? [thinking(THOUGHTS[turn]), ...(said ? [{ type: "text", text: said }] : [])] : said;
  const message = {
    role: "assistant",
    content,
    ...(parts ? {} : { reasoning_content: THOUGHTS[turn] }),
    ...(said ? {} : { tool_calls: [call(turn)] }),
  };
  return { ...whole, choices: [{ index: 0, message, finish_reason: reason(turn) }], usage };
}

export function* openaiChunks(turn, parts) {
  const said = parts ? { content: [{ type: "text", text: SAID }] } : { content: SAID };
  const deltas = [
    { role: "assistant" },
    ...pieces(THOUGHTS[turn]).map((text) => thought(text, parts)),
    turn === LAST ? said : { tool_calls: [{ index: 0, ...call(turn) }] },
  ];
  const chunk = (delta, finish_reason, more = {}) => ({
    ...whole,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason }],
    ...more,
  });
  for (const delta of deltas) yield chunk(delta, null);
  yield chunk({}, reason(turn), { usage });
}
