// Ollama's own protocol through its library.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Ollama } from "ollama";

import { SUITE, riskHeaders } from "./exchange.mjs";

const GRADED = SUITE.policies.find(({ name }) => name === "graded");
const QUESTION = "Maria has 12 apples and buys 5 more. How many apples does she have?";
const CHAT = { model: "teacher-large", messages: [{ role: "user", content: QUESTION }], think: true };
const GENERATE = { model: "teacher-large", prompt: QUESTION, think: true };

const client = (host, headers) => new Ollama({ host, headers: { authorization: "Bearer sk-client-suite", ...headers } });

/** The answer, what a stream says added up; the library throws where none ends with `done`. */
async function chat(host, form, headers) {
  const made = client(host, headers);
  if (form === "JSON") return made.chat({ ...CHAT, stream: false });
  let whole;
  const said = { content: "", thinking: "" };
  for await (const line of await made.chat({ ...CHAT, stream: true })) {
    whole = line;
    for (const name of Object.keys(said)) said[name] += line.message[name] ?? "";
  }
  return { ...whole, message: { ...whole.message, ...said } };
}

async function generate(host, form, headers) {
  const made = client(host, headers);
  if (form === "JSON") return made.generate({ ...GENERATE, stream: false });
  let whole;
  const said = { response: "", thinking: "" };
  for await (const line of await made.generate({ ...GENERATE, stream: true })) {
    whole = line;
    for (const name of Object.keys(said)) said[name] += line[name] ?? "";
  }
  return { ...whole, ...said };
}

describe("an answer of Ollama's is what the upstream gives less what the policy withholds", () => {
  for (const risk of GRADED.risks.filter(({ plan }) => !plan.downgrade && !plan.refuse && !plan.marked))
    for (const form of ["JSON", "stream"])
      it(`${risk.name}, ${form}`, async () => {
        const account = `node-ollama-${risk.name}-${form}`.replaceAll(" ", "-");
        const { message } = await chat(GRADED.upstream, "JSON", {});
        const got = await chat(GRADED.url, form, riskHeaders("openai", risk.score, account, "/api/chat"));
        assert.equal(got.message.content, message.content);
        assert.ok(message.thinking.split(" ").length > 5);
        assert.equal(got.message.thinking || "", risk.plan.withhold ? "" : message.thinking);
        assert.ok(got.done);
        const direct = await generate(GRADED.upstream, "JSON", {});
        const made = await generate(GRADED.url, form, riskHeaders("openai", risk.score, account, "/api/generate"));
        assert.equal(made.response, direct.response);
        assert.equal(made.thinking || "", risk.plan.withhold ? "" : direct.thinking);
        assert.equal(Boolean(made.context), !risk.plan.max_choices);
      });

  it("a refusal is told in the library's words", async () => {
    const risk = GRADED.risks.find(({ plan }) => plan.refuse);
    if (!risk) return;
    const headers = riskHeaders("openai", risk.score, "node-ollama-refused", "/api/chat");
    await assert.rejects(chat(GRADED.url, "JSON", headers), ({ status_code, error }) => {
      assert.equal(status_code, 403);
      return /decision gd_/.test(error);
    });
  });
});
