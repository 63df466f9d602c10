// Legacy completions through the library, whole and streamed.

import assert from "node:assert/strict";

import { client, riskHeaders, uncounted } from "./exchange.mjs";
import { counted, leaked, phrased, replacement } from "./expectation.mjs";
import { everyPolicy } from "./shipped.mjs";

const PATH = "/v1/completions";
const PARAMS = {
  model: "teacher-large",
  prompt: "Maria has 12 apples and buys 5 more. How many apples does she have?",
  max_tokens: 4000,
};

async function call(url, form, headers, model = PARAMS.model) {
  const calls = client("openai", url).completions;
  const params = { ...PARAMS, model };
  if (form === "JSON") {
    const { choices, usage } = await calls.create(params, { headers });
    return { ...choices[0], usage };
  }
  const whole = { text: "", finish_reason: null, usage: null };
  const stream_options = { include_usage: true };
  for await (const { choices, usage } of await calls.create({ ...params, stream: true, stream_options }, { headers })) {
    whole.usage = usage ?? whole.usage;
    for (const choice of choices) {
      assert.equal(whole.finish_reason, null);
      whole.text += choice.text;
      whole.finish_reason = choice.finish_reason;
    }
  }
  return whole;
}

everyPolicy(
  "a completion is what the upstream gives less what the policy withholds",
  () => ["JSON", "stream"],
  "completions",
  ({ policy, risk, form, account }) =>
    uncounted(async () => {
      const { plan } = risk;
      const headers = riskHeaders("openai", risk.score, account, PATH);
      if (plan.refuse) return assert.rejects(call(policy.url, form, headers), ({ status }) => status === 403);
      const model = plan.downgrade ? replacement(PARAMS.model, plan.downgrade) : PARAMS.model;
      const direct = await call(policy.upstream, "JSON", {}, model);
      const got = await call(policy.url, form, headers);
      assert.equal(got.finish_reason, direct.finish_reason);
      assert.deepEqual(got.usage, counted(direct.usage, plan));
      const [thought, answer] = direct.text.split("</think>");
      assert.ok(thought.split(" ").length > 5);
      // What is a part of a text has no carrier: it is withheld under a seal, too.
      const expected = plan.withhold ? `<think></think>${answer}` : direct.text;
      assert.equal(phrased(got.text, plan), phrased(expected, plan));
      if (plan.withhold) assert.deepEqual(leaked(...[got.text, thought, answer].map((it) => phrased(it, plan))), []);
    }),
);
