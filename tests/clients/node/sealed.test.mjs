// Conversations of four turns with tools, whose reasoning is sealed and carried back by the vendors' libraries and the AI SDK.
//
// The upstream is a script that signs what it thinks and writes down what it is sent. Each conversation is held twice, once
// with it and once through a proxy that seals: what it is finally sent has to be the same, byte for byte. Only where the
// model is switched is the reasoning of the other one left out.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { PREFIX, SUITE, riskHeaders, uncounted } from "./exchange.mjs";
import { LAST, THOUGHTS, listening, seen } from "./scripted.mjs";
import { TALKS } from "./talks.mjs";

let stop;
before(async () => (stop = await listening()));
after(() => stop());

const CHANGES = ["nothing", "compacted", "model switched", "tools changed", "resumed", "forked", "two agents"];
const QUESTION = "9 and 8, für mich?";
const SUMMARY = "In short: 9 and 8 were asked for.";

/** What the client has in its hands in the end, and what the upstream was sent. Two agents take turns, in one account. */
async function held(talk, urls, change, form, account) {
  seen.length = 0;
  const { path, user, ask, dialect } = talk;
  // What each turn has added, of each agent.
  const agents = [[[user(QUESTION)]]];
  if (change === "two agents") agents.push([[user("What time is it?")], [user(QUESTION)]]);
  for (let turn = 0; turn <= LAST; turn += 1) {
    if (turn === 2 && change === "forked") agents.push([...agents[0].slice(0, -1), [user("Never mind. 3 and 4?")]]);
    for (const [agent, said] of agents.entries()) {
      if (turn === 2 && change === "compacted") said.splice(0, said.length - 1, [user(SUMMARY)]);
      if (turn === 2 && change === "resumed") said.splice(0, said.length, ...JSON.parse(JSON.stringify(said)));
      const changed = (turn >= 2 && change === "tools changed") || (agent > 0 && change === "two agents");
      const model = turn === 2 && change === "model switched" ? "model-b" : "model-a";
      // The last turn is of a caller who has come clear, and whose WebSocket would go to the upstream, which has none.
      const over = form === "WebSocket" && turn === LAST ? "stream" : form;
      const method = over === "WebSocket" ? "GET" : "POST";
      const risk = riskHeaders("openai", turn === LAST ? 0.1 : 0.9, account, path(over, model), method);
      said.push(
        await ask({
          url: urls[(change === "resumed" ? turn : agent) % urls.length],
          headers: { ...risk, "x-turn": String(turn), ...(dialect ? { "x-dialect": dialect } : {}) },
          form: over,
          model,
          history: said.flat(),
          tools: changed ? ["clock", "calculator"] : ["calculator"],
          system: changed ? "Be long." : "Be brief.",
        }),
      );
    }
  }
  return [agents.flat(2), [...seen]];
}

for (const [name, talk] of Object.entries(TALKS))
  for (const change of CHANGES)
    for (const form of talk.forms)
      test(`the upstream is sent what it would have been sent unsealed: ${name}, ${change}, ${form}`, () =>
        uncounted(async () => {
          const account = `node-sealed-${name}-${change}-${form}`.replaceAll(" ", "-");
          // The upstream has no WebSocket: what comes over one is posted to it by the proxy.
          const unsealed = form === "WebSocket" ? SUITE.sealing.unsealed : `http://127.0.0.1:${SUITE.sealing.port}`;
          const [, direct] = await held(talk, [unsealed], change, form, account);
          const [history, through] = await held(talk, SUITE.sealing.urls, change, form, account);
          assert.ok(direct.length > LAST && through.length === direct.length);
          for (const [number, mine] of through.entries()) {
            const kept = change === "model switched" ? [[], [0], [], [0, 1]][number] : [0, 1, 2];
            const whole = number <= kept.length && !talk.forgets;
            const [got, wanted] = whole ? [mine, direct[number]] : [mine, direct[number]].map((it) => JSON.parse(it));
            if (!whole) [got, wanted].forEach((it) => talk.forgets?.(it));
            if (!whole && number > kept.length) talk.left(wanted, kept);
            assert.deepEqual(got, wanted, `request ${number}`);
          }
          // The client had none of it in its hands, but of the last turn, when its score had fallen.
          const known = JSON.stringify(history);
          assert.ok(known.includes(PREFIX));
          for (const thought of THOUGHTS.slice(0, LAST)) assert.ok(!known.includes(JSON.stringify(thought).slice(1, -1)));
        }));
