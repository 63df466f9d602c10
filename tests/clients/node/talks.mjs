// How each library holds a conversation whose reasoning may be sealed: what it asks of a turn, and what it keeps of the
// answer; and what is left of a request without the reasoning of some turns.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createCohere } from "@ai-sdk/cohere";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createMistral } from "@ai-sdk/mistral";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { GoogleGenAI } from "@google/genai";
import { generateText, jsonSchema, streamText, tool } from "ai";
import { Ollama } from "ollama";

import { API_KEY as apiKey, client, completion } from "./exchange.mjs";
import { overSocket } from "./socket.mjs";

const SCHEMA = { type: "object", properties: { a: { type: "number" } } };
const FORMS = ["JSON", "stream"];
// What Google has stand in the place of a signature that nobody has.
const UNSIGNED = "skip_thought_signature_validator";
const user = (content) => ({ role: "user", content });
const google = (form, model) =>
  `/v1beta/models/${model}:${form === "JSON" ? "generateContent" : "streamGenerateContent"}`;
const functions = (tools) => tools.map((name) => ({ type: "function", function: { name, parameters: SCHEMA } }));
const said = (messages, role = "assistant") => messages.filter((message) => message.role === role);

/** Over Messages and Responses, whose blocks and items are left out. */
function withoutBlocks(asked, kept) {
  said(asked.messages ?? []).forEach((message, turn) => {
    message.content = message.content.filter(({ type }) => type !== "thinking" || kept.includes(turn));
  });
  let turn = 0;
  asked.input &&= asked.input.filter(({ type }) => type !== "reasoning" || kept.includes(turn++));
}

/** Over Gemini, where calls have to be signed. */
function withoutParts(asked, kept) {
  said(asked.contents, "model").forEach((content, turn) => {
    if (kept.includes(turn)) return;
    content.parts = content.parts.filter(({ thought }) => !thought);
    for (const part of content.parts) if (part.functionCall) part.thoughtSignature = UNSIGNED;
  });
}

/** Where reasoning is a string, which is emptied. */
function withoutStrings(asked, kept) {
  said(asked.messages).forEach((message, turn) => {
    if (kept.includes(turn)) return;
    for (const name of ["thinking", "reasoning_content"]) if (name in message) message[name] = "";
    for (const part of Array.isArray(message.content) ? message.content : [])
      if (part.type === "thinking") part.thinking[0].text = "";
  });
}

/** The AI SDK over a provider. */
const sdk = (path, make, left, providerOptions) => ({
  path,
  left,
  user,
  forms: FORMS,
  ask: async ({ url, headers, form, model, history, tools, system }) => {
    const settings = {
      model: make(url, headers, model),
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
});

const anthropic = {
  path: () => "/v1/messages",
  left: withoutBlocks,
  user,
  forms: FORMS,
  ask: async ({ url, headers, form, model, history, tools, system }) => {
    const params = {
      model,
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
};

const responses = {
  path: () => "/v1/responses",
  left: withoutBlocks,
  user,
  forms: ["JSON", "stream", "WebSocket"],
  ask: async ({ url, headers, form, model, history, tools, system }) => {
    const params = {
      model,
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
        : form === "stream"
          ? await responses.stream(params, { headers }).finalResponse()
          : await overSocket(url, params, headers);
    const output = answer.output.map(({ parsed_arguments: _, ...item }) => item);
    const results = output
      .filter(({ type }) => type === "function_call")
      .map(({ call_id }) => ({ type: "function_call_output", call_id, output: "17" }));
    return [...output, ...results];
  },
};

const chat = {
  path: () => "/v1/chat/completions",
  left: withoutStrings,
  user,
  forms: FORMS,
  ask: async ({ url, headers, form, model, history, tools, system }) => {
    const params = { model, messages: [{ role: "system", content: system }, ...history], tools: functions(tools) };
    const { completions } = client("openai", url).chat;
    let message;
    if (form === "JSON") ({ message } = (await completions.create(params, { headers })).choices[0]);
    else {
      // The library's helper keeps the last piece of the reasoning only.
      const chunks = [];
      for await (const chunk of await completions.create({ ...params, stream: true }, { headers })) chunks.push(chunk);
      ({ message } = completion(chunks).choices[0]);
    }
    return [message, ...(message.tool_calls ?? []).map(({ id }) => ({ role: "tool", tool_call_id: id, content: "17" }))];
  },
};

/** Thoughts that follow each other as one: they came in pieces. */
function merged(parts) {
  const whole = [];
  for (const part of parts) {
    const last = whole.at(-1);
    if (last?.thought && part.thought && !last.thoughtSignature)
      whole[whole.length - 1] = { ...last, ...part, text: (last.text ?? "") + (part.text ?? "") };
    else whole.push(part);
  }
  return whole;
}

const genai = {
  path: google,
  left: withoutParts,
  user: (text) => ({ role: "user", parts: [{ text }] }),
  forms: FORMS,
  ask: async ({ url, headers, form, model, history, tools, system }) => {
    const { models } = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url, apiVersion: "v1beta", headers } });
    const config = {
      systemInstruction: system,
      thinkingConfig: { includeThoughts: true },
      tools: [{ functionDeclarations: tools.map((name) => ({ name, description: name })) }],
    };
    const params = { model, contents: history, config };
    const chunks = [];
    if (form === "JSON") chunks.push(await models.generateContent(params));
    else for await (const chunk of await models.generateContentStream(params)) chunks.push(chunk);
    const parts = merged(chunks.flatMap(({ candidates }) => candidates[0].content.parts ?? []));
    const results = parts
      .filter(({ functionCall }) => functionCall)
      .map(({ functionCall: { name } }) => ({ functionResponse: { name, response: { result: "17" } } }));
    return [{ role: "model", parts }, ...(results.length ? [{ role: "user", parts: results }] : [])];
  },
};

const ollama = {
  path: () => "/api/chat",
  left: withoutStrings,
  user,
  forms: FORMS,
  ask: async ({ url, headers, form, model, history, tools, system }) => {
    const made = new Ollama({ host: url, headers: { authorization: `Bearer ${apiKey}`, ...headers } });
    const messages = [{ role: "system", content: system }, ...history];
    const asked = { model, messages, think: true, tools: functions(tools) };
    let message;
    if (form === "JSON") ({ message } = await made.chat({ ...asked, stream: false }));
    else {
      message = { role: "assistant", content: "", thinking: "" };
      for await (const line of await made.chat({ ...asked, stream: true })) {
        message.content += line.message.content ?? "";
        message.thinking += line.message.thinking ?? "";
        if (line.message.tool_calls) message.tool_calls = line.message.tool_calls;
      }
    }
    const results = (message.tool_calls ?? []).map(({ function: { name } }) => ({
      role: "tool",
      tool_name: name,
      content: "17",
    }));
    return [message, ...results];
  },
};

export const TALKS = {
  "anthropic messages": anthropic,
  "openai responses": responses,
  "openai chat": { ...chat, dialect: "openai" },
  "google genai": genai,
  ollama,
  "ai anthropic": sdk(
    () => "/v1/messages",
    (url, headers, model) => createAnthropic({ apiKey, headers, baseURL: `${url}/v1` })(model),
    withoutBlocks,
    { anthropic: { thinking: { type: "enabled", budgetTokens: 2048 } } },
  ),
  "ai openai": sdk(
    () => "/v1/responses",
    (url, headers, model) => createOpenAI({ apiKey, headers, baseURL: `${url}/v1` }).responses(model),
    withoutBlocks,
    { openai: { store: false, include: ["reasoning.encrypted_content"] } },
  ),
  "ai openai-compatible": {
    ...sdk(
      () => "/v1/chat/completions",
      (url, headers, model) => createOpenAICompatible({ name: "t", apiKey, headers, baseURL: `${url}/v1` })(model),
      withoutStrings,
    ),
    dialect: "openai",
  },
  "ai mistral": {
    ...sdk(
      () => "/v1/chat/completions",
      (url, headers, model) => createMistral({ apiKey, headers, baseURL: `${url}/v1` })(model),
      withoutStrings,
    ),
    dialect: "mistral",
  },
  // It carries no thought back, sealed or not.
  "ai cohere": sdk(
    () => "/v2/chat",
    (url, headers, model) => createCohere({ apiKey, headers, baseURL: `${url}/v2` })(model),
    () => {},
  ),
  // It leaves out a thought without a text, whatever signs it: only what signs the calls comes back.
  "ai google": {
    ...sdk(
      google,
      (url, headers, model) => createGoogleGenerativeAI({ apiKey, headers, baseURL: `${url}/v1beta` })(model),
      withoutParts,
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
