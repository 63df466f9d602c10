// The embedded upstream, a real proxy before it, and callers of every kind.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const GUILLOCHE = process.env.GUILLOCHE;

/** Reasoning goes, words are marked, a limit denies, the strictest grade refuses. */
const POLICY = `
version = 1
name = "ladder"
mode = "enforce"
[[grade]]
name = "side-channels"
at = 0.3
side_channels = {}
[[grade]]
name = "marked"
at = 0.5
watermark = {}
reasoning = { keep = "none" }
[[grade]]
name = "limited"
at = 0.7
reasoning = { keep = "none" }
[grade.rate.account]
requests = "1 per hour"
[[grade]]
name = "refused"
at = 0.9
refuse = {}
`;

const EXPERIMENT = (now) => `
version = 1
name = "withhold"
salt = "1"
start = ${new Date(now - 3600e3).toISOString()}
end = ${new Date(now + 86400e3 * 10).toISOString()}
unit = "cluster"
[[arm]]
name = "ladder"
policy = "policy.toml"
control = true
[[arm]]
name = "gentle"
policy = "gentle.toml"
[[metric]]
name = "tokens"
role = "success"
population = "harvesters"
better = "lower"
`;

async function free_port() {
  const server = createServer();
  await new Promise((listening) => { server.listen(0, '127.0.0.1', listening); });
  const { port } = server.address();
  await new Promise((closed) => { server.close(closed); });
  return port;
}

/** A process that is running once it says so. */
async function start(parameters, environment) {
  const child = spawn(GUILLOCHE, parameters, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  child.said = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (words) => { child.said += words; });
  }
  return child;
}

async function until(holds, what) {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await holds().catch(() => false)) return;
    await sleep(50);
  }
  throw new Error(`it never happened: ${typeof what === 'function' ? what() : what}`);
}

export class Scene {
  static async open() {
    const scene = new Scene();
    scene.folder = await mkdtemp(join(tmpdir(), 'guilloche-status-'));
    [scene.upstream, scene.port, scene.admin] = await Promise.all([free_port(), free_port(), free_port()]);
    scene.teacher = await start(['teacher', '--listen', `127.0.0.1:${scene.upstream}`]);
    await scene.command('keys', 'new', '--keys', scene.path('mark.keys'), '--ledger', scene.path('mark.ledger'));
    await scene.write('secret.key', 'ab'.repeat(32), 0o600);
    await scene.write('policy.toml', POLICY);
    await scene.write('gentle.toml', POLICY.replace('"ladder"', '"gentle"').replaceAll('keep = "none"', 'keep = "conclusion", signed = "seal"'));
    await scene.write('experiment.toml', EXPERIMENT(Date.now()));
    await scene.configure('policy.toml');
    await scene.serve().catch(async (error) => {
      await scene.close();
      throw error;
    });
    return scene;
  }

  path(name) {
    return join(this.folder, name);
  }

  async write(name, text, mode = 0o644) {
    await writeFile(this.path(name), text, { mode });
  }

  async configure(policy, more = '') {
    await this.write('guilloche.toml', `
listen.address = "127.0.0.1:${this.port}"
admin.address = "127.0.0.1:${this.admin}"
upstream.url = "http://127.0.0.1:${this.upstream}"
policy.file = ${JSON.stringify(policy)}
risk.trust = "peer"
secret.key_file = "secret.key"
audit.file = "audit.jsonl"
experiments = { files = ["experiment.toml"], state_dir = "state" }
marks = { keys = "mark.keys", ledger = "mark.ledger", carriers = ["vllm_xargs", "lexical"] }
${more}`);
  }

  async command(...parameters) {
    const child = await start(parameters);
    const status = await new Promise((ended) => { child.on('exit', ended); });
    if (status !== 0) throw new Error(`${parameters.join(' ')}: ${child.said}`);
  }

  async serve() {
    this.proxy = await start(['serve', '--config', this.path('guilloche.toml')]);
    await until(async () => (await fetch(`${this.url}/readyz`)).ok, () => `the proxy is ready: ${this.proxy.said}`);
  }

  async stop() {
    if (this.proxy.exitCode !== null) return;
    const gone = new Promise((ended) => { this.proxy.on('exit', ended); });
    this.proxy.kill('SIGKILL');
    await gone;
  }

  get url() {
    return `http://127.0.0.1:${this.admin}`;
  }

  async status() {
    return (await fetch(`${this.url}/status`)).json();
  }

  /** Asks once, as an account of that score. */
  async ask(score, { account = `acct-${Math.random()}`, cluster, model = 'teacher-large:think', stream = true } = {}) {
    const headers = { 'content-type': 'application/json' };
    const issued = Math.floor(Date.now() / 1000);
    const members = [`account="${account}"`, cluster && `cluster="${cluster}"`, `score=${score}`, `issued=${issued}`, 'ttl=600'];
    if (score !== null) headers['guilloche-risk'] = members.filter(Boolean).join(', ');
    const content = 'Maria has 12 apples. She buys 6 more. How many apples does she have?';
    const body = JSON.stringify({ model, stream, messages: [{ role: 'user', content }] });
    const answer = await fetch(`http://127.0.0.1:${this.port}/v1/chat/completions`, { method: 'POST', headers, body });
    await answer.text();
    return answer.status;
  }

  /** Requests of every kind: untouched, of unknown risk, in every grade, at a limit. */
  async traffic(rounds) {
    for (let round = 0; round < rounds; round += 1) {
      const scores = [0.1, 0.1, 0.1, 0.1, null, 0.35, 0.35, 0.55, 0.6, 0.75, 0.75, 0.95];
      await Promise.all(scores.map((score) => this.ask(score, { account: score === 0.75 ? 'acct-limited' : undefined })));
    }
  }

  async close() {
    this.teacher.kill('SIGKILL');
    await this.stop();
    await rm(this.folder, { recursive: true });
  }
}

export { until, sleep };
