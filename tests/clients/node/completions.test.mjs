// Legacy completions through the library, whole and streamed.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { SUITE, client, riskHeaders, uncounted } from "./exchange.mjs";

const GRADED = SUITE.policies.find(({ name }) => name === "graded");
const PATH = "/v1/completions";
const PARAMS = {
  model: "teacher-large",
  prompt: "Maria has 12 apples and buys 5 more. How many apples does she have?",
  max_tokens: 4000,
};

async function call(url, form, headers) {
  const calls = client("openai", url).completions;
  if (form === "JSON") return (await calls.create(PARAMS, { headers })).choices[0];
  let text = "";
  let finish = null;
  for await (const { choices } of await calls.create({ ...PARAMS, stream: true }, { headers }))
    for (const choice of choices) {
      assert.equal(finish, null);
      text += choice.text;
      finish = choice.finish_reason;
    }
  return { text, finish_reason: finish };
}

describe("a completion is what the upstream gives less what the policy withholds", () => {
  for (const risk of GRADED.risks.filter(({ plan }) => !plan.downgrade && !plan.refuse && !plan.marked))
    for (const form of ["JSON", "stream"])
      it(`${risk.name}, ${form}`, () =>
        uncounted(async () => {
          const account = `node-completions-${risk.name}-${form}`.replaceAll(" ", "-");
          const direct = await call(GRADED.upstream, "JSON", {});
          const got = await call(GRADED.url, form, riskHeaders("openai", risk.score, account, PATH));
          assert.equal(got.finish_reason, direct.finish_reason);
          const [thought, answer] = direct.text.split("</think>");
          assert.ok(thought.split(" ").length > 5);
          assert.equal(got.text, risk.plan.withhold ? `<think></think>${answer}` : direct.text);
        }));
});
