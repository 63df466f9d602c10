// The status page, as a person sees it.

import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { Scene, sleep, until } from './scene.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PICTURES = new URL('../../target/status_page/', import.meta.url).pathname;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];

let scene;
let browser;
let page;
/** What the browser asked for, and what it complained about. */
const asked = [];
const complaints = [];

before(async () => {
  await mkdir(PICTURES, { recursive: true });
  scene = await Scene.open();
  // Before the page is opened: the proxy remembers.
  await scene.traffic(3);
  await sleep(11000);
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
  page = await opened({ colorScheme: 'light' });
});

after(async () => {
  await browser?.close();
  await scene?.close();
});

async function opened(options) {
  const opened = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  opened.on('request', (request) => asked.push(`${request.method()} ${request.url()}`));
  opened.on('pageerror', (error) => complaints.push(String(error)));
  opened.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  opened.on('dialog', () => complaints.push('a dialog was opened'));
  await opened.goto(`${scene.url}/`);
  await opened.getByText('Ready', { exact: true }).waitFor();
  return opened;
}

/** The rows of a table, each a list of its cells. */
const rows = (id) => page.locator(`#${id} tbody tr`).evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.textContent)));

/** The outlines that a plot has drawn. */
const outlines = (title) => page.locator('figure', { hasText: title }).locator('path').evaluateAll((all) => all.map((path) => path.getAttribute('d')));

async function broken_rules() {
  return page.evaluate(`${AXE}; axe.run(document, { resultTypes: ['violations'] }).then((found) =>
    found.violations.map((rule) => rule.id + ': ' + rule.nodes.map((node) => node.target + ' ' + node.failureSummary).join('; ')))`);
}

test('what came before the page was opened is drawn at once', async () => {
  const [drawn] = await outlines('Requests');
  assert.ok(drawn?.split('L').length > 4, drawn);
});

test('tables and plots show what the status says', async () => {
  await scene.traffic(2);
  const status = await scene.status();
  await until(async () => (await rows('grades'))[0][2] === String(status.traffic.passed.chat), 'the page follows');
  const grades = await rows('grades');
  assert.deepEqual(grades.map((row) => row[0]), [
    'no grade: passed as it came', 'side-channels', 'marked', 'limited', 'refused']);
  for (const { grade, mode, requests } of status.traffic.decided) {
    const row = grades.find((it) => it[0] === grade);
    assert.deepEqual([row[1], row[2]], [mode, String(requests)], grade);
  }
  const refused = status.traffic.refused.find((it) => it.grade === 'refused');
  assert.equal(grades.at(-1)[4], String(refused.requests));
  const effects = Object.fromEntries((await rows('effects')).map(([what, number]) => [what, number]));
  assert.equal(effects['words withheld'], status.traffic.effects.words_removed.toLocaleString('en'));
  assert.ok(Number(effects['places marked']) > 0);
  const carriers = await rows('marks');
  assert.deepEqual(carriers.map((row) => row[0]), ['vllm xargs', 'lexical']);
  assert.equal(carriers[0][1], 'fails', 'the embedded upstream is no vLLM');
  assert.deepEqual((await rows('dialects')).map((row) => row[0]), ['think']);
  assert.deepEqual((await rows('unknown')).map((row) => row[0]), ['absent']);
  assert.equal(await page.locator('h1').textContent(), 'Policy ladder is enforced.');
  assert.equal((await outlines('Requests in a grade')).length, 4);
  const arms = await page.locator('#experiments table').first().locator('tbody th').allTextContents();
  assert.deepEqual(arms, ['ladder', 'gentle']);
});

test('it looks as it should in light, in dark and on a narrow screen', async () => {
  for (let second = 0; second < 8; second += 1) {
    await scene.traffic(1 + (second % 3));
    await sleep(700);
  }
  const colours = [];
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.screenshot({ path: `${PICTURES}${colorScheme}.png`, fullPage: true });
    colours.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    assert.deepEqual(await broken_rules(), [], colorScheme);
  }
  assert.notEqual(colours[0], colours[1]);
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('.figures')).transitionDuration), '0s');
  await page.setViewportSize({ width: 360, height: 800 });
  await page.screenshot({ path: `${PICTURES}narrow.png`, fullPage: true });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `it scrolls sideways by ${overflow} pixels`);
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
});

test('everything can be reached with keys, and the page stops for who asks it to', async () => {
  await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the figures');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'pause');
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, 'none', 'where one is is seen');
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('#pause').getAttribute('aria-pressed'), 'true');
  assert.equal(await page.locator('#announced').textContent(), 'Paused.');
  await sleep(500);
  const before = asked.length;
  await sleep(3000);
  assert.equal(asked.length, before, 'nothing is asked meanwhile');
  await page.keyboard.press('Space');
  assert.equal(await page.locator('#pause').getAttribute('aria-pressed'), 'false');
  await until(async () => asked.length > before, 'it goes on');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'group', 'a table that scrolls');
});

test('nothing runs that is not the page’s own, and nothing is asked of anybody else', async () => {
  const response = await page.request.get(`${scene.url}/`);
  const headers = response.headers();
  assert.match(headers['content-security-policy'], /default-src 'none'.*script-src 'sha256-[^ ]+'.*frame-ancestors 'none'/);
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['x-content-type-options'], 'nosniff');
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
  });
  assert.equal(await page.evaluate(() => window.ran), undefined);
  const refused = complaints.splice(0).filter((words) => !words.includes('Content Security Policy'));
  assert.deepEqual(refused, []);
  for (const request of asked) {
    assert.match(request, new RegExp(`^GET (${scene.url}/(status|readyz|recent)?|data:.*)$`));
  }
});

test('what others have named is shown as text', async () => {
  const hostile = '<img src=x onerror=alert(1)>\u202e.toml';
  await scene.configure(hostile);
  const told = await fetch(`${scene.url}/reload`, { method: 'POST' });
  assert.equal(told.status, 409);
  await page.locator('#reload-errors li').first().waitFor();
  const words = await page.locator('#reload-errors').textContent();
  assert.ok(words.includes('<img src=x onerror=alert(1)>\\u{202e}.toml'), words);
  assert.equal(await page.locator('#reload-errors img').count(), 0);
  assert.match(await page.locator('#reload').textContent(), /^Revision [0-9a-f]{12} was refused/);
  await page.locator('#attention', { hasText: 'The last reload was refused' }).waitFor();
  await page.screenshot({ path: `${PICTURES}refused.png`, fullPage: true });
  assert.deepEqual(complaints, []);
  await scene.configure('policy.toml');
});

test('it says so when the proxy cannot be reached, and goes on when it is back', async () => {
  await scene.stop();
  await page.getByText('The proxy cannot be reached', { exact: true }).waitFor();
  assert.equal(await page.locator('#announced').textContent(), 'The proxy cannot be reached.');
  assert.match(await page.locator('#attention').textContent(), /Shown is what it said at \d\d:\d\d:\d\d/);
  assert.ok((await rows('grades')).length > 1, 'the last figures stay');
  await page.screenshot({ path: `${PICTURES}gone.png`, fullPage: true });
  await scene.serve();
  await page.getByText('Ready', { exact: true }).waitFor();
  await until(async () => (await rows('grades'))[0][2] === '0', 'it begins anew');
});
