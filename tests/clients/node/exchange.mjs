// One exchange through a client library, and what the library made of it.

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

export const SUITE = JSON.parse(readFileSync(process.env.CLIENT_SUITE, "utf8"));
export const PATHS = { openai: "/v1/chat/completions", anthropic: "/v1/messages" };
export const API_KEY = "sk-client-suite";
/** How every blob begins. */
export const PREFIX = "hy3dlEhdpl31";
const sent = new AsyncLocalStorage();

/** A signed risk header, as docs/risk-header.md describes it. */
export function riskHeaders(sdk, score, account, path = PATHS[sdk], method = "POST") {
  if (score === null) return {};
  const now = Math.floor(Date.now() / 1000);
  const credential = createHash("sha256").update(API_KEY).digest("base64");
  const risk = `account="${account}", score=${score.toFixed(3)}, issued=${now}, ttl=300, credential=:${credential}:`;
  const params =
    `("guilloche-risk" "@method" "@path");created=${now};expires=${now + 60}` +
    `;keyid="${SUITE.key_id}";tag="guilloche-risk"`;
  const base =
    `"guilloche-risk": ${risk}\n"@method": ${method}\n"@path": ${path}\n"@signature-params": ${params}`;
  const mac = createHmac("sha256", Buffer.from(SUITE.risk_key, "hex")).update(base).digest("base64");
  return {
    "guilloche-risk": risk,
    "signature-input": `guilloche=${params}`,
    signature: `guilloche=:${mac}:`,
  };
}

const clients = new Map();

/** A client of the vendor's library with its own defaults, retries included. */
export function client(sdk, url) {
  const key = `${sdk} ${url}`;
  if (!clients.has(key)) {
    const counting = (...request) => {
      sent.getStore().requests += 1;
      return fetch(...request);
    };
    const Client = { openai: OpenAI, anthropic: Anthropic }[sdk];
    const baseURL = sdk === "openai" ? `${url}/v1` : url;
    clients.set(key, new Client({ apiKey: API_KEY, baseURL, fetch: counting }));
  }
  return clients.get(key);
}

const once = ["role", "type", "id", "format", "signature"];

/** Adds a delta to a message: text is appended, and lists are merged by index. */
function merge(message, delta) {
  for (const [name, value] of Object.entries(delta)) {
    if (value === null) continue;
    if (once.includes(name)) {
      assert.equal(message[name] ?? null, null, `${name} was sent twice`);
      message[name] = value;
    } else if (typeof value === "string") message[name] = (message[name] ?? "") + value;
    else if (Array.isArray(value) && name === "content")
      // Mistral: parts of type `thinking`, each with parts of text
      for (const part of value) merge(message, { reasoning: part.thinking.map((text) => text.text).join("") });
    else if (Array.isArray(value))
      for (const { index, ...item } of value) {
        const { type, format, ...fresh } = item;
        const into = (message[name] ??= []);
        if (index === into.length) into.push({ type, ...fresh });
        else merge(into[index], fresh);
      }
    else merge((message[name] ??= {}), value);
  }
}

/** The completion that a Chat Completions stream adds up to. */
export function completion(chunks) {
  const { id, created, model, object } = chunks[0];
  const head = { id, created, model, object };
  const choices = [];
  let usage = null;
  for (const chunk of chunks) {
    assert.deepEqual({ ...chunk, ...head }, chunk, "a chunk of another completion");
    assert.equal(usage, null, "a chunk after the usage");
    usage = chunk.usage ?? null;
    for (const { index, delta, finish_reason, logprobs } of chunk.choices) {
      const choice = (choices[index] ??= { message: {}, logprobs: [] });
      assert.equal(choice.finish_reason ?? null, null, "a delta after the finish");
      merge(choice.message, delta);
      choice.finish_reason = finish_reason;
      choice.logprobs.push(...(logprobs?.content ?? []));
    }
  }
  return { ...head, choices, usage };
}

/** The message that a Messages stream adds up to. */
function message(events) {
  let whole;
  let partial;
  for (const event of structuredClone(events)) {
    const block = whole?.content.at(-1);
    if (event.type === "message_start") {
      assert.equal(whole, undefined);
      whole = event.message;
    } else if (event.type === "content_block_start") {
      assert.equal(event.index, whole.content.length);
      whole.content.push(event.content_block);
      partial = "";
    } else if (event.type === "content_block_delta") {
      assert.equal(event.index, whole.content.length - 1);
      const { type, ...delta } = event.delta;
      if (type === "text_delta") block.text += delta.text;
      if (type === "thinking_delta") block.thinking += delta.thinking;
      if (type === "input_json_delta") partial += delta.partial_json;
      if (type === "signature_delta") {
        assert.equal(block.signature, "", "two signatures");
        block.signature = delta.signature;
      }
    } else if (event.type === "content_block_stop") {
      if (partial) block.input = JSON.parse(partial);
    } else if (event.type === "message_delta") {
      Object.assign(whole, event.delta);
      Object.assign(whole.usage, event.usage);
    }
  }
  assert.equal(events.at(-1).type, "message_stop");
  return whole;
}

const plain = (value) => JSON.parse(JSON.stringify(value));

/** What the libraries' own tool loops call. */
const calculate = () => "17";
function runnable(sdk, tools) {
  return tools.map((tool) =>
    sdk === "openai"
      ? { ...tool, function: { ...tool.function, function: calculate, parse: JSON.parse } }
      : { ...tool, type: "custom", run: calculate, parse: (input) => input },
  );
}

/** Parsed objects in the order they came, and the whole that they add up to. */
async function converse(sdk, form, made, params, headers) {
  const calls = sdk === "openai" ? made.chat.completions : made.messages;
  const options = { headers };
  const items = [];
  if (form === "JSON") {
    const whole = plain(await calls.create(params, options));
    return [[whole], whole];
  }
  if (form === "raw JSON" || form === "raw stream") {
    const stream = form === "raw stream";
    const answer = await calls.create({ ...params, stream }, options).asResponse();
    return [[await answer.text()], {}];
  }
  if (form === "stream") {
    for await (const item of await calls.create({ ...params, stream: true }, options)) items.push(plain(item));
    return [items, sdk === "openai" ? completion(items) : message(items)];
  }
  if (form === "stream helper") {
    const stream = calls.stream(params, options);
    for await (const item of stream) items.push(plain(item));
    const whole = plain(await (sdk === "openai" ? stream.finalChatCompletion() : stream.finalMessage()));
    return [[...items, whole], whole];
  }
  const body = { ...params, tools: runnable(sdk, params.tools), stream: form === "streaming tool runner" };
  if (sdk === "openai") {
    const whole = plain(await calls.runTools(body, options).finalChatCompletion());
    return [[whole], whole];
  }
  const runner = made.beta.messages.toolRunner(body, options);
  const whole = plain(await runner.runUntilDone());
  return [[whole], whole];
}

/** Makes one call, with these settings of the library's. An exception is an outcome like any other. */
export function exchange(sdk, form, url, params, headers = {}, settings = {}) {
  const count = { requests: 0 };
  return sent.run(count, async () => {
    try {
      const [parsed, whole] = await converse(sdk, form, client(sdk, url).withOptions(settings), params, headers);
      return { error: null, parsed, whole, requests: count.requests };
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return {
        error: error.constructor.name,
        status: error.status ?? null,
        body: error.error ?? null,
        headers: Object.fromEntries(error.headers ?? []),
        requests: count.requests,
      };
    }
  });
}

/** Runs a call whose requests nobody counts. */
export const uncounted = (call) => sent.run({ requests: 0 }, call);
