// Gemini through its library, and a stream as an array, which no library asks for.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ApiError, GoogleGenAI } from "@google/genai";

import { SUITE, riskHeaders } from "./exchange.mjs";

const GRADED = SUITE.policies.find(({ name }) => name === "graded");
const ASKED = {
  model: "teacher-large",
  contents: "Maria has 12 apples and buys 5 more. How many apples does she have?",
  config: { maxOutputTokens: 4000, thinkingConfig: { includeThoughts: true, thinkingBudget: 8192 } },
};
const API_KEY = "sk-client-suite";
const path = (form) => `/v1beta/models/teacher-large:${form === "JSON" ? "generateContent" : "streamGenerateContent"}`;

const client = (baseUrl, headers) =>
  new GoogleGenAI({ apiKey: API_KEY, httpOptions: { baseUrl, apiVersion: "v1beta", headers } });

async function array(url, headers) {
  const { contents, config } = ASKED;
  const body = {
    contents: [{ parts: [{ text: contents }] }],
    generationConfig: { maxOutputTokens: config.maxOutputTokens, thinkingConfig: config.thinkingConfig },
  };
  const answer = await fetch(url + path("array"), {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", "x-goog-api-key": API_KEY },
    body: JSON.stringify(body),
  });
  return answer.json();
}

/** Thoughts and answer, what a stream says added up. */
async function call(url, form, headers) {
  const { models } = client(url, headers);
  let chunks = [];
  if (form === "JSON") chunks = [await models.generateContent(ASKED)];
  else if (form === "array") chunks = await array(url, headers);
  else for await (const chunk of await models.generateContentStream(ASKED)) chunks.push(chunk);
  const parts = chunks.flatMap(({ candidates }) => candidates[0].content.parts ?? []);
  const text = (wanted) =>
    parts
      .filter(({ thought }) => Boolean(thought) === wanted)
      .map(({ text }) => text ?? "")
      .join("");
  return { thought: text(true), said: text(false), finish: chunks.at(-1).candidates[0].finishReason };
}

describe("an answer of Gemini's is what the upstream gives less what the policy withholds", () => {
  for (const risk of GRADED.risks.filter(({ plan }) => !plan.downgrade && !plan.refuse && !plan.marked))
    for (const form of ["JSON", "stream", "array"])
      it(`${risk.name}, ${form}`, async () => {
        const account = `node-gemini-${risk.name}-${form}`.replaceAll(" ", "-");
        const direct = await call(GRADED.upstream, "JSON", {});
        const got = await call(GRADED.url, form, riskHeaders("openai", risk.score, account, path(form)));
        assert.equal(got.said, direct.said);
        assert.equal(got.finish, direct.finish);
        assert.ok(direct.thought.split(" ").length > 5);
        assert.equal(got.thought, risk.plan.withhold ? "" : direct.thought);
      });

  it("a refusal is told in the library's words", async () => {
    const risk = GRADED.risks.find(({ plan }) => plan.refuse);
    if (!risk) return;
    const headers = riskHeaders("openai", risk.score, "node-gemini-refused", path("JSON"));
    await assert.rejects(call(GRADED.url, "JSON", headers), (error) => {
      assert.ok(error instanceof ApiError);
      return error.status === 403 && /decision gd_/.test(error.message);
    });
  });
});
