// Each policy, and within it each of its grades: what the suites of one protocol each run over.

import { describe, it } from "node:test";

import { PREFIX, SUITE } from "./exchange.mjs";

export const GRADED = SUITE.policies.find(({ name }) => name === "graded");
// Of the graded policy: the first that withholds reasoning.
export const WITHHELD = GRADED.risks.find(({ plan }) => plan.withhold);
export const REFUSED = GRADED.risks.find(({ plan }) => plan.refuse);

/** A test for each grade of each policy, and each of these forms; the account is one of its own. Paced streams mostly
 * wait, so many are under way at once. */
export function everyPolicy(name, forms, suite, test) {
  describe(name, { concurrency: 24 }, () => {
    for (const policy of SUITE.policies)
      for (const risk of policy.risks)
        for (const form of forms(risk)) {
          const account = `node-${suite}-${policy.name}-${risk.name}-${form}`.replaceAll(" ", "-");
          it(`${policy.name}, ${risk.name}, ${form}`, () => test({ policy, risk, form, account }));
        }
  });
}

export const isSealed = (text) => Boolean(text) && text.startsWith(PREFIX);

/** Whether reasoning reads as it should: as it was, gone, or in a blob where it is carried. */
export function withheld(got, direct, plan, phrased) {
  if (plan.sealed) return isSealed(got);
  if (plan.withhold) return !got;
  return phrased(got, plan) === phrased(direct, plan);
}
