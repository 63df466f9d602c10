// An upstream that answers with the turn that a conversation has come to, and writes down what it is sent.

import { createServer } from "node:http";

import { SUITE } from "./exchange.mjs";
import { cohere, cohereEvents, ollama, ollamaLines, openai, openaiChunks } from "./scripted-strings.mjs";

export const LAST = 3;
export const THOUGHTS = [
  'First "both" numbers:\n\t9 and 8, then ü \\ 😀.',
  "The tool said 17, so that one more step is needed before the answer.",
  "Now the total is known. It is looked at a second time, from the other end.",
  "It holds, and that is the answer.",
];
export const pieces = (text) => text.match(/.{1,7}/gsu);
const signed = (turn) => Buffer.from(`signed in turn ${turn}`).toString("base64");

export function message(turn) {
  const content = [{ type: "thinking", thinking: THOUGHTS[turn], signature: signed(turn) }];
  if (turn === LAST) content.push({ type: "text", text: "It is 17." });
  else content.push({ type: "tool_use", id: `toolu_${turn}`, name: "calculator", input: { a: turn } });
  return {
    id: `msg_${turn}`,
    type: "message",
    role: "assistant",
    model: "model-a",
    content,
    stop_reason: turn === LAST ? "end_turn" : "tool_use",
    stop_sequence: null,
    usage: { input_tokens: 9, output_tokens: 40 },
  };
}

function* messageEvents(turn) {
  const whole = message(turn);
  yield { type: "message_start", message: { ...whole, content: [], stop_reason: null } };
  for (const [index, block] of whole.content.entries()) {
    const empty = { thinking: { thinking: "", signature: "" }, text: { text: "" }, tool_use: { input: {} } };
    yield { type: "content_block_start", index, content_block: { ...block, ...empty[block.type] } };
    const deltas = {
      thinking: () => [
        ...pieces(block.thinking).map((thinking) => ({ type: "thinking_delta", thinking })),
        { type: "signature_delta", signature: block.signature },
      ],
      text: () => pieces(block.text).map((text) => ({ type: "text_delta", text })),
      tool_use: () => [{ type: "input_json_delta", partial_json: JSON.stringify(block.input) }],
    };
    for (const delta of deltas[block.type]()) yield { type: "content_block_delta", index, delta };
    yield { type: "content_block_stop", index };
  }
  yield { type: "message_delta", delta: { stop_reason: whole.stop_reason, stop_sequence: null }, usage: { output_tokens: 40 } };
  yield { type: "message_stop" };
}

function response(turn) {
  const reasoning = {
    type: "reasoning",
    id: `rs_${turn}`,
    encrypted_content: `gAAAAABo_${turn}_ciphertext`,
    summary: [{ type: "summary_text", text: `Sum ${turn} of it.` }],
  };
  const call = {
    type: "function_call",
    id: `fc_${turn}`,
    call_id: `call_${turn}`,
    name: "calculator",
    arguments: JSON.stringify({ a: turn }),
    status: "completed",
  };
  const text = { type: "output_text", text: "It is 17.", annotations: [], logprobs: [] };
  const said = { type: "message", id: "msg_3", role: "assistant", status: "completed", content: [text] };
  return {
    id: `resp_${turn}`,
    object: "response",
    created_at: 1800000000,
    status: "completed",
    model: "model-a",
    output: [reasoning, turn === LAST ? said : call],
    parallel_tool_calls: true,
    tool_choice: "auto",
    tools: [],
    usage: {
      input_tokens: 9,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 40,
      output_tokens_details: { reasoning_tokens: 30 },
      total_tokens: 49,
    },
  };
}

function* responseEvents(turn) {
  const whole = response(turn);
  yield { type: "response.created", response: { ...whole, output: [], status: "in_progress", usage: null } };
  for (const [output_index, item] of whole.output.entries()) {
    const at = { output_index, item_id: item.id };
    const hollow = { reasoning: { summary: [] }, message: { content: [] }, function_call: { arguments: "" } };
    yield { type: "response.output_item.added", output_index, item: { ...item, ...hollow[item.type] } };
    if (item.type === "reasoning") {
      const [part] = item.summary;
      const of = { ...at, summary_index: 0 };
      yield { type: "response.reasoning_summary_part.added", ...of, part: { ...part, text: "" } };
      for (const delta of pieces(part.text)) yield { type: "response.reasoning_summary_text.delta", ...of, delta };
      yield { type: "response.reasoning_summary_text.done", ...of, text: part.text };
      yield { type: "response.reasoning_summary_part.done", ...of, part };
    }
    if (item.type === "function_call") {
      yield { type: "response.function_call_arguments.delta", ...at, delta: item.arguments };
      yield { type: "response.function_call_arguments.done", ...at, arguments: item.arguments, name: item.name };
    }
    if (item.type === "message") {
      const [part] = item.content;
      const of = { ...at, content_index: 0 };
      yield { type: "response.content_part.added", ...of, part: { ...part, text: "" } };
      yield { type: "response.output_text.delta", ...of, delta: part.text, logprobs: [] };
      yield { type: "response.output_text.done", ...of, text: part.text, logprobs: [] };
      yield { type: "response.content_part.done", ...of, part };
    }
    yield { type: "response.output_item.done", output_index, item };
  }
  yield { type: "response.completed", response: whole };
}

function generated(turn) {
  const parts = [{ text: THOUGHTS[turn], thought: true }];
  if (turn === LAST) parts.push({ text: "It is 17." });
  else parts.push({ functionCall: { name: "calculator", args: { a: turn } }, thoughtSignature: signed(turn) });
  return wrapped(parts, true);
}

function wrapped(parts, ends) {
  const candidate = { content: { parts, role: "model" }, index: 0, ...(ends ? { finishReason: "STOP" } : {}) };
  return { candidates: [candidate], modelVersion: "m", responseId: "r" };
}

function* generatedChunks(turn) {
  const [thought, said] = generated(turn).candidates[0].content.parts;
  for (const text of pieces(thought.text)) yield wrapped([{ ...thought, text }], false);
  yield wrapped([said], true);
}

/** What it was sent: the bytes, as text. */
export const seen = [];

const event = (data, name) => `${name ? `event: ${name}\n` : ""}data: ${JSON.stringify(data)}\n\n`;
const asEvents = (events) => [...events].map((it) => event(it, it.type)).join("");
const numbered = (events) => [...events].map((it, sequence_number) => event({ ...it, sequence_number }, it.type)).join("");
const asLines = (lines) => lines.map((it) => `${JSON.stringify(it)}\n`).join("");

/** The document and the stream with which a request is answered. */
function answers({ url, headers }) {
  const turn = Number(headers["x-turn"]);
  if (url.includes("enerateContent")) return [() => generated(turn), () => asEvents(generatedChunks(turn))];
  if (url.endsWith("/responses")) return [() => response(turn), () => numbered(responseEvents(turn))];
  if (url === "/api/chat") return [() => ollama(turn), () => asLines(ollamaLines(turn)), "application/x-ndjson"];
  if (url === "/v2/chat") return [() => cohere(turn), () => asEvents(cohereEvents(turn))];
  const parts = headers["x-dialect"] === "mistral";
  if (url.endsWith("/chat/completions"))
    return [() => openai(turn, parts), () => `${asEvents(openaiChunks(turn, parts))}data: [DONE]\n\n`];
  return [() => message(turn), () => asEvents(messageEvents(turn))];
}

/** Starts it, and returns what stops it. */
export async function listening() {
  const server = createServer((request, answer) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (data) => (body += data));
    request.on("end", () => {
      seen.push(body);
      const [document, stream, kind = "text/event-stream"] = answers(request);
      const streamed = JSON.parse(body).stream || request.url.includes("stream");
      answer.writeHead(200, { "content-type": streamed ? kind : "application/json" });
      answer.end(streamed ? stream() : JSON.stringify(document()));
    });
  });
  await new Promise((resolve) => server.listen(SUITE.sealing.port, "127.0.0.1", resolve));
  return () => {
    server.closeAllConnections();
    server.close();
  };
}
