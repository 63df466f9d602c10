// Every cell of the matrix: the client gets what the upstream gives, less what the policy withholds.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { DIALECTS, FORMS, ask, cells, converse, direct, name, toldByTheProxy, upstream } from "./cells.mjs";
import { admitted, leaked, phrased, reasoningIn, withoutBlobs, withoutReasoning } from "./expectation.mjs";

// Paced streams mostly wait, so many are under way at once.
const concurrency = 24;

describe("the client gets what the upstream gives, less what the policy withholds", { concurrency }, () => {
  for (const cell of cells()) it(name(cell), async () => check(cell, await converse(cell)));
});

async function check(cell, turns) {
  const { risk, sdk, model } = cell;
  const plan = risk.plan;
  if (plan.refuse) return refused(turns);
  if (toldByTheProxy(cell)) return cut(cell, turns);
  // Whatever the proxy did to the first turn, the second goes as it would without it.
  assert.deepEqual(turns.map(({ got }) => got.error), await direct(cell));
  for (const [turn, { params, got, expected }] of turns.entries()) {
    for (const part of ["error", "status", "requests"]) assert.deepEqual(got[part], expected[part], part);
    const told = (body) => (plan.withhold ? inFixedWords(body) : body);
    assert.deepEqual(told(got.body), told(expected.body));
    if (got.error) continue;
    if (!plan.withhold) {
      // The words of a marked answer wait for one another, so that its events are cut otherwise; and
      // of reasoning this library's helper keeps the last piece only.
      const seen = (it) => (plan.marked ? phrased(withoutReasoning(it.whole, params.model, plan), plan) : it.parsed);
      assert.deepEqual(seen(got), seen(expected));
      continue;
    }
    const asked = admitted(params, plan);
    assert.equal(got.whole.model, asked.model);
    const wanted = withoutReasoning(expected.whole, asked.model, plan, plan.round_usage);
    const left = withoutReasoning(got.whole, asked.model, plan);
    // What was opened is counted with the input, and rounded.
    if (plan.sealed && turn) left.usage = wanted.usage = null;
    assert.deepEqual(phrased(left, plan), phrased(wanted, plan));
    for (const seen of [got.whole, got.parsed]) assert.equal(reasoningIn(withoutBlobs(seen), model, plan), "");
    // This library's helper keeps only the end of the reasoning.
    const { stream_options, ...whole } = asked;
    const spoken = await upstream(sdk, "JSON", whole, cell.at.upstream);
    const reasoning = reasoningIn(spoken.whole, asked.model, plan);
    // A mark may put the words of the reasoning's next sentence behind the same sum.
    const [said, thought, answered] = [withoutBlobs(got.whole), reasoning, [wanted, params.messages]].map((it) => phrased(it, plan));
    assert.deepEqual(leaked(said, thought, answered), []);
  }
}

/** An error but for its words, which may be the model's. */
function inFixedWords(body) {
  if (body === null || typeof body !== "object") return body;
  const members = Object.entries(body).filter(([name]) => name !== "message");
  return Object.fromEntries(members.map(([name, item]) => [name, inFixedWords(item)]));
}

function refused(turns) {
  assert.equal(turns.length, 1);
  const [{ got }] = turns;
  const { error, status, requests } = got;
  assert.deepEqual({ error, status, requests }, { error: "PermissionDeniedError", status: 403, requests: 1 });
  assert.ok(JSON.stringify(got.body).includes(got.headers["guilloche-decision"]));
}

async function cut(cell, turns) {
  assert.equal(turns.length, 1);
  const [{ got, expected }] = turns;
  const [unheard] = await direct(cell);
  assert.notEqual(unheard, "APIError");
  assert.deepEqual([got.error, got.requests], ["APIError", expected.requests]);
}

describe("without the proxy the client gets reasoning, else its absence would show nothing", { concurrency }, () => {
  const all = [...DIALECTS.map((dialect) => ["openai", dialect]), ["anthropic", ""]];
  for (const [sdk, dialect] of all)
    for (const form of FORMS)
      it(`${sdk} ${form} ${dialect}`, async () => {
        const model = `teacher-large${dialect}`;
        const got = await upstream(sdk, form, ask(sdk, model, "a plain question"));
        assert.equal(got.error, null);
        const seen = form === "stream helper" ? got.parsed : got.whole;
        const plan = { opened_by_template: [model] };
        assert.ok(reasoningIn(seen, model, plan).split(/\s+/).length > 20);
      });
});
