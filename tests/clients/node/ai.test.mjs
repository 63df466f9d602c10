// The AI SDK over each vendor's provider: whole answers and streams, with and without a tool, through every policy.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createAnthropic } from "@ai-sdk/anthropic";
import { createCohere } from "@ai-sdk/cohere";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createMistral } from "@ai-sdk/mistral";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, streamText, tool } from "ai";

import { SUITE, riskHeaders } from "./exchange.mjs";
import { leaked, phrased, replacement, withoutBlobs } from "./expectation.mjs";

const ONE_STEP = "Maria has 12 apples and buys 5 more. How many apples does she have?";
const TWO_STEPS =
  "Maria has 12 apples, buys 5 more and then eats 4 apples. How many apples does she have? Calculate in parallel.";
const SCHEMA = {
  type: "object",
  properties: { expression: { type: "string" } },
  required: ["expression"],
  additionalProperties: false,
};
const calculate = tool({
  description: "Evaluates an arithmetic expression.",
  inputSchema: jsonSchema(SCHEMA),
});
const apiKey = "sk-client-suite";
// It warns, once for each call, that it takes the model for one that does not reason.
globalThis.AI_SDK_LOG_WARNINGS = false;

/** Each provider: how it is made, the path that it asks, and the model whose dialect it reads. */
const PROVIDERS = {
  "openai chat": {
    path: "/v1/chat/completions",
    make: (url, headers) => createOpenAI({ apiKey, headers, baseURL: `${url}/v1` }).chat("teacher-large:plain"),
    silent: true,
  },
  "openai responses": {
    path: "/v1/responses",
    make: (url, headers) => createOpenAI({ apiKey, headers, baseURL: `${url}/v1` }).responses("teacher-large"),
    options: { openai: { reasoningSummary: "detailed", store: false } },
    silent: true,
  },
  "openai-compatible": {
    path: "/v1/chat/completions",
    make: (url, headers) =>
      createOpenAICompatible({ name: "teacher", apiKey, headers, baseURL: `${url}/v1` })("teacher-large"),
  },
  anthropic: {
    path: "/v1/messages",
    make: (url, headers) => createAnthropic({ apiKey, headers, baseURL: `${url}/v1` })("teacher-large"),
    options: { anthropic: { thinking: { type: "enabled", budgetTokens: 2048 } } },
  },
  google: {
    path: (form) => `/v1beta/models/teacher-large:${form === "JSON" ? "generateContent" : "streamGenerateContent"}`,
    make: (url, headers) => createGoogleGenerativeAI({ apiKey, headers, baseURL: `${url}/v1beta` })("teacher-large"),
    options: { google: { thinkingConfig: { includeThoughts: true } } },
  },
  cohere: {
    path: "/v2/chat",
    make: (url, headers) => createCohere({ apiKey, headers, baseURL: `${url}/v2` })("teacher-large"),
  },
  mistral: {
    path: "/v1/chat/completions",
    make: (url, headers) => createMistral({ apiKey, headers, baseURL: `${url}/v1` })("teacher-large:mistral"),
  },
};

async function ask({ make, options }, url, form, tools, headers) {
  const settings = {
    model: make(url, headers),
    prompt: tools ? TWO_STEPS : ONE_STEP,
    maxOutputTokens: 8000,
    maxRetries: 0,
    providerOptions: options,
    ...(tools ? { tools: { calculate } } : {}),
  };
  let whole;
  if (form === "JSON") whole = await generateText(settings);
  else {
    const errors = [];
    const stream = streamText({ ...settings, onError: ({ error }) => errors.push(error) });
    let told = "";
    for await (const part of stream.fullStream) if (part.type === "text-delta") told += part.text;
    if (errors.length) throw errors[0];
    whole = {
      text: await stream.text,
      reasoningText: await stream.reasoningText,
      toolCalls: await stream.toolCalls,
      finishReason: await stream.finishReason,
    };
    assert.equal(told, whole.text);
  }
  return {
    text: whole.text,
    reasoning: whole.reasoningText ?? "",
    calls: whole.toolCalls.map(({ toolName, input }) => ({ toolName, input })),
    finish: whole.finishReason,
  };
}

let number = 0;
for (const policy of SUITE.policies)
  for (const risk of policy.risks)
    for (const [name, provider] of Object.entries(PROVIDERS))
      for (const form of ["JSON", "stream"])
        for (const tools of [false, true])
          test(`${policy.name}, ${risk.name}, ai ${name}, ${form}${tools ? ", a tool" : ""}`, async () => {
            const { plan } = risk;
            const path = typeof provider.path === "function" ? provider.path(form) : provider.path;
            const headers = riskHeaders("openai", risk.score, `ai-${number++}`, path);
            const got = ask(provider, policy.url, form, tools, headers);
            if (plan.refuse) {
              await assert.rejects(got, ({ statusCode }) => statusCode === 403);
              return;
            }
            const answer = withoutBlobs(await got);
            if (plan.downgrade) {
              // What a weaker model says is known to the other suites: here the library has to take it.
              assert.ok(answer.text || answer.calls.length);
              if (plan.withhold) assert.equal(answer.reasoning, "");
              return;
            }
            const direct = await ask(provider, policy.upstream, "JSON", tools, {});
            assert.equal(phrased(answer.text, plan), phrased(direct.text, plan));
            assert.deepEqual(answer.calls, direct.calls);
            assert.equal(answer.finish, direct.finish);
            assert.equal(answer.calls.length > 0, tools);
            if (!provider.silent && !tools) assert.ok(direct.reasoning.split(" ").length > 5, direct.reasoning);
            if (plan.withhold) {
              assert.equal(answer.reasoning, "");
              assert.deepEqual(leaked(answer, direct.reasoning, [direct.text, JSON.stringify(direct.calls)]), []);
            } else assert.equal(phrased(answer.reasoning, plan), phrased(direct.reasoning, plan));
          });
