// Runs the Node suites: what failed, and a last line with the counts.

import { run } from "node:test";
import { inspect } from "node:util";

let passed = 0;
let failed = 0;
const names = process.argv.slice(2);
const events = run({
  files: ["ai", "behaviour", "completions", "gemini", "matrix", "ollama", "responses", "sealed"].map((name) => new URL(`node/${name}.test.mjs`, import.meta.url).pathname),
  concurrency: true,
  testNamePatterns: names.length ? names : undefined,
});
for await (const { type, data } of events) {
  // Suites end with their tests; files count only when they could not be loaded.
  const suite = data.details?.type === "suite" || data.details?.error?.failureType === "subtestsFailed";
  if (suite || data.skip) continue;
  if (type === "test:pass" && data.name) passed += 1;
  if (type === "test:fail") {
    failed += 1;
    console.log(`FAILED ${data.name}\n${inspect(data.details.error.cause ?? data.details.error)}\n`);
  }
  if (type === "test:stderr") process.stderr.write(data.message);
}
console.log(`node: ${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
