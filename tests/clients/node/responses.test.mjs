// Responses through the library: two turns with a tool, in every form, and read again by another caller.

import assert from "node:assert/strict";

import { client, riskHeaders, uncounted } from "./exchange.mjs";
import { counted, leaked, phrased, replacement, withoutBlobs } from "./expectation.mjs";
import { everyPolicy, isSealed } from "./shipped.mjs";
import { overSocket } from "./socket.mjs";

const PATH = "/v1/responses";
// Asked by nobody else: the same request gets the same id from the teacher, and the proxy remembers what was decided
// about an id.
let apples = 14;
const question = () =>
  `Maria has ${apples++} apples, buys 3 more and then eats 4 apples. How many apples does she have? Calculate in parallel.`;
const PARAMS = {
  model: "teacher-large",
  tools: [
    {
      type: "function",
      name: "calculate",
      description: "Evaluates an arithmetic expression.",
      strict: true,
      parameters: {
        type: "object",
        properties: { expression: { type: "string" } },
        required: ["expression"],
        additionalProperties: false,
      },
    },
  ],
  include: ["reasoning.encrypted_content"],
};

async function call(url, form, params, headers) {
  const calls = client("openai", url).responses;
  if (form === "JSON") return calls.create(params, { headers });
  if (form === "parse") return calls.parse(params, { headers });
  if (form === "stream helper") return calls.stream(params, { headers }).finalResponse();
  if (form === "WebSocket") return overSocket(url, params, headers);
  let last;
  let number = 0;
  for await (const event of await calls.create({ ...params, stream: true }, { headers })) {
    assert.equal(event.sequence_number, number++);
    last = event;
  }
  return last.response;
}

const partsOf = (item) =>
  item.type === "function_call"
    ? [item.arguments]
    : [...(item.summary ?? []), ...(item.content ?? [])].map(({ text }) => text);
const texts = (whole, kinds) => whole.output.filter(({ type }) => kinds.includes(type)).flatMap(partsOf);
const answered = (whole) => texts(whole, ["message", "function_call"]);
const thought = (whole) => texts(whole, ["reasoning"]).join(" ");

async function converse(url, form, headers, content, model = PARAMS.model) {
  const params = { ...PARAMS, model, input: [{ role: "user", content }] };
  const first = await call(url, form, params, headers);
  const back = first.output.map(({ parsed_arguments: _, ...item }) => item);
  const results = first.output
    .filter(({ type }) => type === "function_call")
    .map(({ call_id }) => ({ type: "function_call_output", call_id, output: "17" }));
  assert.ok(results.length > 0);
  const input = [...params.input, ...back, ...results];
  return [first, await call(url, form, { ...params, input }, headers)];
}

const FORMS = ["JSON", "stream", "stream helper", "parse", "WebSocket"];

everyPolicy(
  "a response is what the upstream gives less what the policy withholds",
  // An ordinary caller's WebSocket goes to the upstream, which has none.
  ({ plan }) => FORMS.filter((form) => form !== "WebSocket" || Object.keys(plan).length > 0),
  "responses",
  ({ policy, risk, form, account }) =>
    uncounted(async () => {
      const { plan } = risk;
      // What is signed for the opening of a WebSocket holds for all that is asked over it.
      const method = form === "WebSocket" ? "GET" : "POST";
      const headers = riskHeaders("openai", risk.score, account, PATH, method);
      const asked = question();
      // Of a WebSocket that is refused the library only says that it has closed.
      const told = form === "WebSocket" ? /closed/ : /403/;
      if (plan.refuse) return assert.rejects(converse(policy.url, form, headers, asked), told);
      const model = plan.downgrade ? replacement(PARAMS.model, plan.downgrade) : PARAMS.model;
      const direct = await converse(policy.upstream, "JSON", {}, asked, model);
      const turns = await converse(policy.url, form, headers, asked);
      for (const [turn, got] of turns.entries()) {
        const expected = direct[turn];
        assert.deepEqual(phrased(answered(got), plan), phrased(answered(expected), plan));
        assert.ok(thought(expected).split(" ").length > 5);
        assert.equal(phrased(thought(got), plan), plan.withhold ? "" : phrased(thought(expected), plan));
        assert.deepEqual([got.model, got.status], [model, expected.status]);
        const items = got.output.filter(({ type }) => type === "reasoning");
        assert.equal(items.some(({ encrypted_content }) => isSealed(encrypted_content)), Boolean(plan.sealed));
        // What was opened is counted with the input, and rounded.
        if (!plan.sealed || turn === 0) assert.deepEqual(got.usage, counted(expected.usage, plan));
        if (plan.withhold) assert.deepEqual(leaked(...[withoutBlobs(got.output), thought(expected), answered(expected)].map((it) => phrased(it, plan))), []);
        // Whoever reads it later gets the same.
        const again = await client("openai", policy.url).responses.retrieve(got.id);
        assert.deepEqual([answered(again), thought(again)], [answered(got), thought(got)]);
      }
    }),
);
