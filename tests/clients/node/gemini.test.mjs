// Gemini through its library, and a stream as an array, which no library asks for.

import assert from "node:assert/strict";
import { it } from "node:test";

import { ApiError, GoogleGenAI } from "@google/genai";

import { API_KEY, riskHeaders } from "./exchange.mjs";
import { counted, leaked, phrased, replacement, withoutBlobs } from "./expectation.mjs";
import { GRADED, REFUSED, everyPolicy, isSealed } from "./shipped.mjs";

const ASKED = {
  model: "teacher-large",
  contents: "Maria has 12 apples and buys 5 more. How many apples does she have?",
  config: { maxOutputTokens: 4000, thinkingConfig: { includeThoughts: true, thinkingBudget: 8192 } },
};
const path = (form, model = ASKED.model) =>
  `/v1beta/models/${model}:${form === "JSON" ? "generateContent" : "streamGenerateContent"}`;

const client = (baseUrl, headers) =>
  new GoogleGenAI({ apiKey: API_KEY, httpOptions: { baseUrl, apiVersion: "v1beta", headers } });

async function array(url, headers, model) {
  const { contents, config } = ASKED;
  const body = {
    contents: [{ parts: [{ text: contents }] }],
    generationConfig: { maxOutputTokens: config.maxOutputTokens, thinkingConfig: config.thinkingConfig },
  };
  const answer = await fetch(url + path("array", model), {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", "x-goog-api-key": API_KEY },
    body: JSON.stringify(body),
  });
  return answer.json();
}

/** Thoughts and answer, what a stream says added up. */
async function call(url, form, headers, model = ASKED.model) {
  const { models } = client(url, headers);
  const asked = { ...ASKED, model };
  let chunks = [];
  if (form === "JSON") chunks = [await models.generateContent(asked)];
  else if (form === "array") chunks = await array(url, headers, model);
  else for await (const chunk of await models.generateContentStream(asked)) chunks.push(chunk);
  const parts = chunks.flatMap(({ candidates }) => candidates[0].content.parts ?? []);
  const text = (wanted) =>
    parts
      .filter(({ thought }) => Boolean(thought) === wanted)
      .map(({ text }) => text ?? "")
      .join("");
  return {
    thought: text(true),
    said: text(false),
    finish: chunks.at(-1).candidates[0].finishReason,
    usage: JSON.parse(JSON.stringify(chunks.at(-1).usageMetadata)),
    signatures: parts.map(({ thoughtSignature }) => thoughtSignature).filter(Boolean),
  };
}

everyPolicy(
  "an answer of Gemini's is what the upstream gives less what the policy withholds",
  () => ["JSON", "stream", "array"],
  "gemini",
  async ({ policy, risk, form, account }) => {
    const { plan } = risk;
    const headers = riskHeaders("openai", risk.score, account, path(form));
    // A refusal of a stream as an array is none.
    if (plan.refuse) return form === "array" || assert.rejects(call(policy.url, form, headers), ({ status }) => status === 403);
    const model = plan.downgrade ? replacement(ASKED.model, plan.downgrade) : ASKED.model;
    const direct = await call(policy.upstream, "JSON", {}, model);
    const got = await call(policy.url, form, headers);
    assert.equal(phrased(got.said, plan), phrased(direct.said, plan));
    assert.equal(got.finish, direct.finish);
    assert.deepEqual(got.usage, counted(direct.usage, plan));
    assert.ok(direct.thought.split(" ").length > 5);
    assert.equal(phrased(got.thought, plan), plan.withhold ? "" : phrased(direct.thought, plan));
    assert.equal(got.signatures.some(isSealed), Boolean(plan.sealed));
    if (plan.withhold) assert.deepEqual(leaked(...[withoutBlobs(got), direct.thought, direct.said].map((it) => phrased(it, plan))), []);
  },
);

it("a refusal is told in the library's words", async () => {
  const headers = riskHeaders("openai", REFUSED.score, "node-gemini-refused", path("JSON"));
  await assert.rejects(call(GRADED.url, "JSON", headers), (error) => {
    assert.ok(error instanceof ApiError);
    return error.status === 403 && /decision gd_/.test(error.message);
  });
});
