// Responses through the library: two turns with a tool, in every form, and read again by another caller.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ResponsesWS } from "openai/resources/responses/ws";

import { SUITE, client, riskHeaders, uncounted } from "./exchange.mjs";

const GRADED = SUITE.policies.find(({ name }) => name === "graded");
const PATH = "/v1/responses";
// Asked by no other suite: the same request gets the same id from the teacher, and the proxy remembers what
// was decided about an id.
const QUESTION =
  "Maria has 14 apples, buys 3 more and then eats 4 apples. How many apples does she have? Calculate in parallel.";
const PARAMS = {
  model: "teacher-large",
  input: [{ role: "user", content: QUESTION }],
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

async function overSocket(url, params, headers) {
  const socket = new ResponsesWS(client("openai", url), { headers, reconnect: null });
  try {
    let number = 0;
    for await (const received of socket.stream()) {
      if (received.type === "open") socket.send({ type: "response.create", ...params });
      if (received.type !== "message") continue;
      const event = received.message;
      assert.equal(event.sequence_number, number++, JSON.stringify(event));
      if (event.type === "response.completed") return event.response;
    }
  } finally {
    socket.close();
  }
  throw new Error("the socket closed before the response was complete");
}

const partsOf = (item) =>
  item.type === "function_call"
    ? [item.arguments]
    : [...(item.summary ?? []), ...(item.content ?? [])].map(({ text }) => text);
const texts = (whole, kinds) => whole.output.filter(({ type }) => kinds.includes(type)).flatMap(partsOf);
const answered = (whole) => texts(whole, ["message", "function_call"]);
const thought = (whole) => texts(whole, ["reasoning"]).join(" ");

async function converse(url, form, headers) {
  const first = await call(url, form, PARAMS, headers);
  const back = first.output.map(({ parsed_arguments: _, ...item }) => item);
  const results = first.output
    .filter(({ type }) => type === "function_call")
    .map(({ call_id }) => ({ type: "function_call_output", call_id, output: "17" }));
  assert.ok(results.length > 0);
  const input = [...PARAMS.input, ...back, ...results];
  return [first, await call(url, form, { ...PARAMS, input }, headers)];
}

describe("a response is what the upstream gives less what the policy withholds", () => {
  for (const risk of GRADED.risks.filter(({ plan }) => !plan.downgrade && !plan.refuse && !plan.marked))
    for (const form of ["JSON", "stream", "stream helper", "parse", "WebSocket"].filter(
      // An ordinary caller's WebSocket goes to the upstream, which has none.
      (form) => form !== "WebSocket" || Object.keys(risk.plan).length > 0,
    ))
      it(`${risk.name}, ${form}`, () =>
        uncounted(async () => {
          const account = `node-responses-${risk.name}-${form}`.replaceAll(" ", "-");
          // What is signed for the opening of a WebSocket holds for all that is asked over it.
          const method = form === "WebSocket" ? "GET" : "POST";
          const headers = riskHeaders("openai", risk.score, account, PATH, method);
          const direct = await converse(GRADED.upstream, "JSON", {});
          const turns = await converse(GRADED.url, form, headers);
          for (const [turn, got] of turns.entries()) {
            assert.deepEqual(answered(got), answered(direct[turn]));
            assert.ok(thought(direct[turn]).split(" ").length > 5);
            assert.equal(thought(got), risk.plan.withhold ? "" : thought(direct[turn]));
            const again = await client("openai", GRADED.url).responses.retrieve(got.id);
            assert.deepEqual([answered(again), thought(again)], [answered(got), thought(got)]);
          }
        }));
});
