// Ollama's own protocol through its library.

import assert from "node:assert/strict";
import { it } from "node:test";

import { Ollama } from "ollama";

import { API_KEY, riskHeaders } from "./exchange.mjs";
import { counted, leaked, phrased, replacement, withoutBlobs } from "./expectation.mjs";
import { GRADED, REFUSED, everyPolicy, withheld } from "./shipped.mjs";

const QUESTION = "Maria has 12 apples and buys 5 more. How many apples does she have?";
const CHAT = { model: "teacher-large", messages: [{ role: "user", content: QUESTION }], think: true };
const GENERATE = { model: "teacher-large", prompt: QUESTION, think: true };

const client = (host, headers) => new Ollama({ host, headers: { authorization: `Bearer ${API_KEY}`, ...headers } });

/** The answer, what a stream says added up; the library throws where none ends with `done`. */
async function chat(host, form, headers, model = CHAT.model) {
  const made = client(host, headers);
  const asked = { ...CHAT, model };
  if (form === "JSON") return made.chat({ ...asked, stream: false });
  let whole;
  const said = { content: "", thinking: "" };
  for await (const line of await made.chat({ ...asked, stream: true })) {
    whole = line;
    for (const name of Object.keys(said)) said[name] += line.message[name] ?? "";
  }
  return { ...whole, message: { ...whole.message, ...said } };
}

async function generate(host, form, headers, model = GENERATE.model) {
  const made = client(host, headers);
  const asked = { ...GENERATE, model };
  if (form === "JSON") return made.generate({ ...asked, stream: false });
  let whole;
  const said = { response: "", thinking: "" };
  for await (const line of await made.generate({ ...asked, stream: true })) {
    whole = line;
    for (const name of Object.keys(said)) said[name] += line[name] ?? "";
  }
  return { ...whole, ...said };
}

const numbers = (answer) =>
  Object.fromEntries(Object.entries(answer).filter(([name]) => /_(count|duration)$/.test(name)));
/** A number that the proxy has made null is left out by the library, or not. */
const known = (usage) => Object.fromEntries(Object.entries(usage).filter(([, item]) => item !== null));

everyPolicy(
  "an answer of Ollama's is what the upstream gives less what the policy withholds",
  () => ["JSON", "stream"],
  "ollama",
  async ({ policy, risk, form, account }) => {
    const { plan } = risk;
    const asking = (path) => riskHeaders("openai", risk.score, account, path);
    if (plan.refuse)
      return assert.rejects(chat(policy.url, form, asking("/api/chat")), ({ status_code }) => status_code === 403);
    const model = plan.downgrade ? replacement(CHAT.model, plan.downgrade) : CHAT.model;
    const { message, ...direct } = await chat(policy.upstream, "JSON", {}, model);
    const got = await chat(policy.url, form, asking("/api/chat"));
    assert.equal(phrased(got.message.content, plan), phrased(message.content, plan));
    assert.ok(message.thinking.split(" ").length > 5);
    assert.ok(withheld(got.message.thinking || "", message.thinking, plan, phrased), got.message.thinking);
    assert.ok(got.done && got.done_reason === direct.done_reason);
    assert.deepEqual(known(numbers(got)), known(counted(numbers(direct), plan)));
    const expected = await generate(policy.upstream, "JSON", {}, model);
    const made = await generate(policy.url, form, asking("/api/generate"));
    assert.equal(phrased(made.response, plan), phrased(expected.response, plan));
    // Nothing carries it here.
    assert.ok(withheld(made.thinking || "", expected.thinking, { ...plan, sealed: false }, phrased), made.thinking);
    // It repeats a conversation token by token.
    assert.equal(Boolean(made.context), !plan.max_choices && !plan.marked);
    if (!plan.withhold) return;
    assert.deepEqual(leaked(...[withoutBlobs(got), message.thinking, message.content].map((it) => phrased(it, plan))), []);
    assert.deepEqual(leaked(...[made, expected.thinking, expected.response].map((it) => phrased(it, plan))), []);
  },
);

it("a refusal is told in the library's words", async () => {
  const headers = riskHeaders("openai", REFUSED.score, "node-ollama-refused", "/api/chat");
  await assert.rejects(chat(GRADED.url, "JSON", headers), ({ status_code, error }) => {
    assert.equal(status_code, 403);
    return /decision gd_/.test(error);
  });
});
