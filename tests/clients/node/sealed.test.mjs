// Conversations of four turns with tools, whose reasoning is sealed and carried back by the vendors' libraries and the AI SDK.
//
// The upstream is a script that signs what it thinks and writes down what it is sent. Each conversation is held twice, once
// with it and once through a proxy that seals: what it is finally sent has to be the same.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, jsonSchema, streamText, tool } from "ai";

import { SUITE, client, riskHeaders, uncounted } from "./exchange.mjs";

// How every blob begins.
const PREFIX = "hy3dlEhdpl31";
const apiKey = "sk-client-suite";
const LAST = 3;
const THOUGHTS = [
  'First "both" numbers:\n\t9 and 8, then ü \\ 😀.',
  "The tool said 17, so that one more step is needed before the answer.",
  "Now the total is known. It is looked at a second time, from the other end.",
  "It holds, and that is the answer.",
];
const SCHEMA = { type: "object", properties: { a: { type: "number" } } };
const pieces = (text) => text.match(/.{1,7}/gsu);
const signed = (turn) => Buffer.from(`signed in turn ${turn}`).toString("base64");

function message(turn) {
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

const seen = [];
let server;

before(
  () =>
    new Promise((resolve) => {
      server = createServer((request, answer) => {
        let body = "";
        request.on("data", (data) => (body += data));
        request.on("end", () => {
          const asked = JSON.parse(body);
          seen.push(asked);
          const turn = Number(request.headers["x-turn"]);
          const kind = request.url.includes("enerateContent")
            ? [generated, generatedChunks]
            : request.url.endsWith("/responses")
              ? [response, responseEvents]
              : [message, messageEvents];
          if (!asked.stream && !request.url.includes("stream")) {
            answer.writeHead(200, { "content-type": "application/json" });
            return answer.end(JSON.stringify(kind[0](turn)));
          }
          answer.writeHead(200, { "content-type": "text/event-stream" });
          let number = 0;
          for (const event of kind[1](turn)) {
            const named = event.type ? `event: ${event.type}\n` : "";
            const data = kind[1] === responseEvents ? { ...event, sequence_number: number++ } : event;
            answer.write(`${named}data: ${JSON.stringify(data)}\n\n`);
          }
          answer.end();
        });
      });
      server.listen(SUITE.sealing.port, "127.0.0.1", resolve);
    }),
);
after(() => {
  server.closeAllConnections();
  server.close();
});

const summary = "In short: 9 and 8 were asked for.";

/** How each library holds a conversation: what it asks of a turn, and what it keeps of the answer. */
const LIBRARIES = {
  "anthropic messages": {
    path: () => "/v1/messages",
    user: (content) => ({ role: "user", content }),
    ask: async ({ url, headers, form, history, tools, system }) => {
      const params = {
        model: "model-a",
        max_tokens: 4096,
        messages: history,
        system,
        thinking: { type: "enabled", budget_tokens: 2048 },
        tools: tools.map((name) => ({ name, input_schema: SCHEMA })),
      };
      const { messages } = client("anthropic", url);
      const answer =
        form === "JSON"
          ? await messages.create(params, { headers })
          : await messages.stream(params, { headers }).finalMessage();
      const results = answer.content
        .filter(({ type }) => type === "tool_use")
        .map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "17" }));
      return [
        { role: "assistant", content: answer.content },
        ...(results.length ? [{ role: "user", content: results }] : []),
      ];
    },
  },
  "openai responses": {
    path: () => "/v1/responses",
    user: (content) => ({ role: "user", content }),
    ask: async ({ url, headers, form, history, tools, system }) => {
      const params = {
        model: "model-a",
        input: history,
        instructions: system,
        store: false,
        include: ["reasoning.encrypted_content"],
        tools: tools.map((name) => ({ type: "function", name, parameters: SCHEMA, strict: false })),
      };
      const { responses } = client("openai", url);
      const answer =
        form === "JSON"
          ? await responses.create(params, { headers })
          : await responses.stream(params, { headers }).finalResponse();
      const output = answer.output.map(({ parsed_arguments: _, ...item }) => item);
      const results = output
        .filter(({ type }) => type === "function_call")
        .map(({ call_id }) => ({ type: "function_call_output", call_id, output: "17" }));
      return [...output, ...results];
    },
  },
  "ai anthropic": sdk(
    () => "/v1/messages",
    (url, headers) => createAnthropic({ apiKey, headers, baseURL: `${url}/v1` })("model-a"),
    { anthropic: { thinking: { type: "enabled", budgetTokens: 2048 } } },
  ),
  "ai openai": sdk(
    () => "/v1/responses",
    (url, headers) => createOpenAI({ apiKey, headers, baseURL: `${url}/v1` }).responses("model-a"),
    { openai: { reasoningSummary: "detailed", store: false, include: ["reasoning.encrypted_content"] } },
  ),
  // It leaves out a thought without a text, whatever signs it: only what signs the calls comes back.
  "ai google": {
    ...sdk(
      (form) => `/v1beta/models/model-a:${form === "JSON" ? "generateContent" : "streamGenerateContent"}`,
      (url, headers) => createGoogleGenerativeAI({ apiKey, headers, baseURL: `${url}/v1beta` })("model-a"),
      { google: { thinkingConfig: { includeThoughts: true } } },
    ),
    forgets: (asked) =>
      asked.contents.forEach((content) => {
        content.parts = content.parts.filter(({ thought }) => !thought);
        // And it names calls at random.
        for (const { functionCall, functionResponse } of content.parts) delete (functionCall ?? functionResponse)?.id;
      }),
  },
};

function sdk(path, make, providerOptions) {
  return {
    path,
    user: (content) => ({ role: "user", content }),
    ask: async ({ url, headers, form, history, tools, system }) => {
      const settings = {
        model: make(url, headers),
        system,
        messages: history,
        maxRetries: 0,
        providerOptions,
        tools: Object.fromEntries(tools.map((name) => [name, tool({ inputSchema: jsonSchema(SCHEMA) })])),
      };
      let answer;
      if (form === "JSON") answer = await generateText(settings);
      else {
        const errors = [];
        answer = streamText({ ...settings, onError: ({ error }) => errors.push(error) });
        await answer.consumeStream();
        if (errors.length) throw errors[0];
      }
      const { messages } = await answer.response;
      const results = (await answer.toolCalls).map(({ toolCallId, toolName }) => ({
        type: "tool-result",
        toolCallId,
        toolName,
        output: { type: "text", value: "17" },
      }));
      return [...messages, ...(results.length ? [{ role: "tool", content: results }] : [])];
    },
  };
}

/** What the upstream was sent in four turns. */
async function held({ path, user, ask }, urls, change, form, account) {
  seen.length = 0;
  let history = [user("9 and 8?")];
  let tools = ["calculator"];
  let system = "Be brief.";
  for (let turn = 0; turn <= LAST; turn += 1) {
    if (turn === 2 && change === "compacted") {
      const own = history.findLastIndex(({ role, type }) => role === "assistant" || type === "reasoning");
      history = [user(summary), ...history.slice(own)];
    }
    if (turn === 2 && change === "tools changed") [tools, system] = [["clock", "calculator"], "Be long."];
    if (turn === 2 && change === "resumed") history = JSON.parse(JSON.stringify(history));
    // The last turn is of a caller who has come clear.
    const risk = riskHeaders("openai", turn === LAST ? 0.1 : 0.9, account, path(form));
    const url = urls[change === "resumed" ? turn % urls.length : 0];
    const headers = { ...risk, "x-turn": String(turn) };
    history = [...history, ...(await ask({ url, headers, form, history, tools, system }))];
  }
  return [history, [...seen]];
}

for (const [name, library] of Object.entries(LIBRARIES))
  for (const change of ["nothing", "compacted", "tools changed", "resumed"])
    for (const form of ["JSON", "stream"])
      test(`the upstream is sent what it would have been sent unsealed: ${name}, ${change}, ${form}`, () =>
        uncounted(async () => {
          const account = `node-sealed-${name}-${change}-${form}`.replaceAll(" ", "-");
          const upstream = `http://127.0.0.1:${SUITE.sealing.port}`;
          const [, direct] = await held(library, [upstream], change, form, account);
          const [history, through] = await held(library, SUITE.sealing.urls, change, form, account);
          assert.equal(direct.length, LAST + 1);
          if (library.forgets) [...direct, ...through].forEach(library.forgets);
          assert.deepEqual(through, direct);
          // The client had none of it in its hands, but of the last turn, when its score had fallen.
          const known = JSON.stringify(history);
          assert.ok(known.includes(PREFIX));
          for (const thought of THOUGHTS.slice(0, LAST)) assert.ok(!known.includes(JSON.stringify(thought).slice(1, -1)));
        }));
