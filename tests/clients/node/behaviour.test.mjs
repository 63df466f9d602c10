// What the matrix does not reach: limits, and clients that leave.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { ask } from "./cells.mjs";
import { PATHS, SUITE, client, exchange, riskHeaders, uncounted } from "./exchange.mjs";

const GRADED = SUITE.policies.find(({ name }) => name === "graded");
const score = (name) => GRADED.risks.find((risk) => risk.name === name).score;
const SDKS = Object.keys(PATHS);
const DEADLINE = 10_000; // milliseconds

describe("over the limit the client raises its rate limit error and may try again", () => {
  for (const policy of SUITE.policies)
    for (const risk of policy.risks.filter(({ plan }) => plan.requests))
      for (const sdk of SDKS)
        it(`${policy.name}, ${risk.name}, ${sdk}`, async () => {
          const params = ask(sdk, "teacher-small", "a plain question");
          const risky = () => riskHeaders(sdk, risk.score, `node-limited-${sdk}`);
          let got;
          for (let call = 0; call < 3 * risk.plan.requests && !got?.error; call += 1)
            got = await exchange(sdk, "JSON", policy.url, params, risky(), { maxRetries: 0 });
          const { error, status, requests, headers } = got;
          assert.deepEqual({ error, status, requests }, { error: "RateLimitError", status: 429, requests: 1 });
          const seconds = Number(headers["retry-after"]);
          assert.ok(seconds >= 1 && seconds <= 60 && Number.isInteger(seconds));
          // The limit passes within a minute, so nothing tells the library to give up for good.
          assert.equal(headers["x-should-retry"], "true");
          assert.ok(JSON.stringify(got.body).includes(headers["guilloche-decision"]));
          // Left to itself, the library waits as it is told and gets its answer.
          assert.equal((await exchange(sdk, "JSON", policy.url, params, risky())).error, null);
        });
});

/** Of the proxy and of what stands for its upstream: exchanges under way, and those cancelled. */
async function ends() {
  const counts = [];
  for (const url of SUITE.cancel.node.metrics) {
    const text = await (await fetch(url)).text();
    const value = (name) => Number(text.split("\n").find((line) => line.startsWith(`${name} `))?.split(" ")[1] ?? 0);
    counts.push([value("guilloche_in_flight"), value('guilloche_stream_ends_total{outcome="cancelled"}')]);
  }
  return counts;
}

describe("a client that leaves a stream cancels the upstream", () => {
  for (const sdk of SDKS)
    for (const form of ["stream", "stream helper"])
      for (const risk of ["no risk header", "grade side-channels", "grade no-reasoning", "grade reduced"])
        it(`${sdk} ${form}, ${risk}`, () =>
          uncounted(async () => {
            const before = await ends();
            assert.deepEqual(before.map(([underWay]) => underWay), [0, 0]);
            const made = client(sdk, SUITE.cancel.node.url);
            const calls = sdk === "openai" ? made.chat.completions : made.messages;
            const account = `node-leaving-${sdk}-${form}-${risk}`.replaceAll(" ", "-");
            const options = { headers: riskHeaders(sdk, score(risk), account) };
            const params = ask(sdk, "teacher-large", "a plain question");
            const stream =
              form === "stream helper"
                ? calls.stream(params, options)
                : await calls.create({ ...params, stream: true }, options);
            for await (const _ of stream) {
              assert.deepEqual((await ends()).map(([underWay]) => underWay), [1, 1]);
              break;
            }
            const wanted = before.map(([, cancelled]) => [0, cancelled + 1]);
            const deadline = Date.now() + DEADLINE;
            while (JSON.stringify(await ends()) !== JSON.stringify(wanted) && Date.now() < deadline) await pause(20);
            assert.deepEqual(await ends(), wanted);
          }));
});
