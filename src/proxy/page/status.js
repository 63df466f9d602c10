
/* Asks the proxy again and again, and shows what it says. */

const PERIOD = 2000;
const HIDDEN_PERIOD = 10000;
const PATIENCE = 8000;

const EFFECTS = {
  words_removed: 'words withheld', bytes_removed: 'bytes withheld', sites: 'places marked',
  words_changed: 'words exchanged by marks', texts_restored: 'marked answers written back',
  events_dropped: 'events left out', events_unread: 'events that could not be read',
  fields_stripped: 'members closed', fields_set: 'members set or lowered',
  models_replaced: 'answers by another model', counts_rounded: 'token counts rounded',
  sections_unopened: 'reasoning that ended without having begun', markup_unknown: 'unknown markup of reasoning',
  blocks_sealed: 'blocks of reasoning sealed', blocks_unsealed: 'blocks too long to be sealed',
  blocks_opened: 'sealed blocks opened', blocks_dropped: 'sealed blocks that did not open',
  words_repeated: 'words of repeated reasoning withheld', waits_ms: 'time waited',
  tokens_in: 'input tokens', tokens_out: 'output tokens', tokens_reasoning: 'reasoning tokens',
  requests_refused: 'requests refused',
};
const FAULTS = new Set([
  'malformed', 'too_large', 'unsigned', 'bad_signature', 'unknown_key', 'untrusted', 'expired', 'stale',
  'from_future', 'other_principal',
]);
const PROOFS = { assumed: 'assumed to work', open: 'not known yet', works: 'works', fails: 'fails' };
const TRUSTS = {
  signature: 'a signed risk header', peer: 'the risk header of whoever connects', none: 'nobody’s word',
  extension: 'a detector in the same process', certificate: 'peers with a client certificate',
};
const STATES = {
  before: 'has not begun', running: 'is running', held: 'is held: new units are not assigned',
  rolled_back: 'was rolled back: every unit meets the control arm', over: 'is over',
};

const past = new Past();
const plots = {
  all: new Plot(at('plots'), 'Requests', 'a second'),
  grades: new Plot(at('plots'), 'Requests in a grade', 'a second'),
  refused: new Plot(at('plots'), 'Requests refused', 'a second'),
  words: new Plot(at('plots'), 'Words withheld', 'a second'),
};
rosette(at('rosette'));

let paused = false;
let heard = null;
let started = null;
let announced = '';

const sum = (object) => Object.values(object ?? {}).reduce((all, number) => all + number, 0);

/** All sums of a status, by names that keep their kinds apart. */
function sums_of({ traffic, counters }) {
  const sums = new Map();
  const add = (name, number) => sums.set(name, (sums.get(name) ?? 0) + number);
  add('passed', sum(traffic.passed));
  for (const { grade, requests } of traffic.decided) add(`grade ${grade}`, requests);
  for (const { by, requests } of traffic.refused) {
    add(`refused ${by}`, requests);
  }
  for (const kind of ['effects', 'ends', 'arms']) {
    for (const [name, number] of Object.entries(traffic[kind])) add(`${kind} ${name}`, number);
  }
  for (const [name, number] of Object.entries(counters ?? {})) add(`counter ${name}`, number);
  add('all', sums.get('passed') + sum(Object.fromEntries(traffic.decided.map((it, index) => [index, it.requests]))));
  add('words', (traffic.effects.words_removed ?? 0) + (traffic.effects.words_repeated ?? 0));
  return sums;
}

/** The same of what the proxy has kept of the last minutes. */
function sums_of_glance({ passed, grades, refused, words }) {
  const sums = new Map([['passed', passed], ['words', words], ['all', passed + sum(grades)]]);
  for (const [grade, requests] of Object.entries(grades)) sums.set(`grade ${grade}`, requests);
  for (const [by, requests] of Object.entries(refused)) sums.set(`refused ${by}`, requests);
  return sums;
}

/** The grades that have been seen, from the mildest up as the ladder has them, if it is told. */
function grades_of({ traffic, ladder }) {
  const seen = [...new Set(traffic.decided.map(({ grade }) => grade))];
  const order = new Map((ladder ?? []).map((grade, place) => [grade, place]));
  const place = (grade) => (grade === '' ? -1 : order.get(grade) ?? Infinity);
  return seen.sort((one, other) => place(one) - place(other) || (one < other ? -1 : 1));
}

const minute = (name) => rate(past.rate(name, undefined, 60));

function show_header(status) {
  const { policy, mode, trust, configuration } = status;
  say(at('version'), status.version);
  const does = { observe: 'only observes', enforce: 'is enforced' }[mode] ?? named(mode ?? '');
  say(at('decides'), policy
    ? `Policy ${named(policy.name)} ${does}.`
    : 'No policy decides: every answer passes as it comes.');
  say(at('running'), `for ${duration(Date.parse(status.now) - Date.parse(status.started))}`);
  const revisions = [policy && `policy ${policy.revision}`, configuration && `files ${configuration.revision}`];
  say(at('configuration'), revisions.filter(Boolean).join(', ') || '–');
  say(at('trust'), TRUSTS[trust] ?? named(trust));
  say(at('upstream'), named(status.upstream ?? '–'));
  say(at('in-flight'), `${count(status.in_flight)} ${status.in_flight === 1 ? 'exchange' : 'exchanges'}`);
  document.title = policy ? `${named(policy.name)} – guilloche` : 'guilloche';
}

/** What an operator may want to know, in sentences. */
function attention(status, ready) {
  const told = [];
  const bad = (words) => told.push({ words });
  const mild = (words) => told.push({ words, kind: 'mild' });
  if (status.stopping) mild('The proxy is stopping: it takes no new connections.');
  else if (!ready.ok) bad(`Not ready: ${ready.words}.`);
  if (!status.policy) mild('There is no policy, so that nobody is graded.');
  else if (status.trust === 'none') bad('Nobody’s word on risk is taken, so that nobody can be graded.');
  const { lost, traffic, reload, carriers, experiments, reasoning, counters } = status;
  for (const [file, lines] of Object.entries(lost)) {
    if (lines > 0) bad(`${count(lines)} lines of the ${spaced(file)} were lost: its disk is full, slow or not writable.`);
  }
  const faults = Object.entries(counters ?? {})
    .filter(([name, number]) => name.startsWith('risk_') && FAULTS.has(name.slice(5)) && number > 0)
    .map(([name, number]) => `${spaced(name.slice(5))} ${count(number)}`);
  if (faults.length > 0) bad(`Risk headers were not believed: ${faults.join(', ')}. Their callers reach no grade.`);
  if (reload?.outcome === 'refused') bad('The last reload was refused: what decided before still does.');
  if (carriers?.length > 0 && carriers.every(({ proof }) => proof === 'fails')) {
    bad('No carrier of marks works with this upstream: answers go out unmarked.');
  }
  for (const experiment of experiments ?? []) {
    if (experiment.state === 'rolled_back') bad(`Experiment ${named(experiment.name)} was rolled back.`);
    if (experiment.unwritten) bad(`That ${named(experiment.name)} was rolled back is not on the disk.`);
  }
  const unopened = reasoning.sections_unopened + reasoning.markup_unknown;
  if (unopened > 0) bad(`${count(unopened)} pieces of what may be reasoning went out, set apart in a way that is not known.`);
  const ungraded = traffic.refused.filter(({ grade }) => grade === '').reduce((all, it) => all + it.requests, 0);
  if (ungraded > 0) mild(`${count(ungraded)} requests were refused because they contradict the detector.`);
  if ((counters?.held_without_room ?? 0) > 0) bad(`${count(counters.held_without_room)} times there was no room to hold a request or an answer.`);
  return told.length > 0 ? told : [{ words: 'Nothing stands out.', kind: 'calm' }];
}

function show_plots(status) {
  const grades = grades_of(status);
  plots.all.draw(past, [{ sum: 'all', name: 'all', class: 'all' }], rate);
  const step = (place) => (grades.length < 2 ? 3 : Math.round((place * 5) / (grades.length - 1)));
  const of_grade = (grade, place) => ({ sum: `grade ${grade}`, name: named(grade) || 'no grade', class: `step-${step(place)}` });
  plots.grades.draw(past, grades.map(of_grade), rate);
  plots.refused.draw(past, [
    { sum: 'refused policy', name: 'by the grade', class: 'step-5' },
    { sum: 'refused limit', name: 'at a limit', class: 'step-3' },
    { sum: 'refused unread', name: 'not readable', class: 'step-1' },
  ], rate);
  plots.words.draw(past, [{ sum: 'words', name: 'words', class: 'all' }], rate);
}

function show_tables(status) {
  const { traffic, carriers, reasoning, counters, lost } = status;
  const passed = { cells: ['no grade: passed as it came', '–', count(sum(traffic.passed)), minute('passed'), '0'] };
  const grade = (name) => {
    const of = traffic.decided.filter((it) => it.grade === name);
    const refused = traffic.refused.filter((it) => it.grade === name).reduce((all, it) => all + it.requests, 0);
    const requests = of.reduce((all, it) => all + it.requests, 0);
    const modes = [...new Set(of.map((it) => it.mode))].join(', ');
    return { cells: [named(name) || 'no grade, and looked at', modes, count(requests), minute(`grade ${name}`), count(refused)] };
  };
  fill(at('grades'), [passed, ...grades_of(status).map(grade)]);
  const measures = [...new Set([...Object.keys(traffic.applied), ...Object.keys(traffic.observed)])];
  fill(at('done'), measures.map((it) => (
    { cells: [spaced(it), count(traffic.applied[it] ?? 0), count(traffic.observed[it] ?? 0)] })));
  fill(at('effects'), Object.entries(traffic.effects).map(([effect, number]) => {
    const words = EFFECTS[effect] ?? spaced(effect);
    if (effect !== 'waits_ms') return { cells: [words, count(number), minute(`effects ${effect}`)] };
    const grown = past.rate('effects waits_ms', undefined, 60);
    return { cells: [words, duration(number), grown === null ? '–' : duration(grown)] };
  }));
  at('marks-none').hidden = Boolean(carriers);
  at('marks').hidden = !carriers;
  fill(at('marks'), (carriers ?? []).map(({ carrier, proof }) => (
    { cells: [spaced(carrier), PROOFS[proof] ?? spaced(proof), count(traffic.marked[carrier] ?? 0)], bad: proof === 'fails' })));
  fill(at('dialects'), [
    ...Object.entries(reasoning.dialects).map(([name, answers]) => ({ cells: [named(name), count(answers)] })),
    ...[['ended without having begun', reasoning.sections_unopened], ['not known', reasoning.markup_unknown]]
      .filter(([, number]) => number > 0).map(([words, number]) => ({ cells: [words, count(number)], bad: true })),
  ], 'None was seen so far.');
  const unknown = Object.entries(counters ?? {}).filter(([name, number]) => name.startsWith('risk_') && number > 0);
  fill(at('unknown'), unknown.map(([name, number]) => (
    { cells: [spaced(name.slice(5)), count(number), minute(`counter ${name}`)], bad: FAULTS.has(name.slice(5)) })));
  fill(at('ends'), Object.entries(traffic.ends).map(([end, number]) => ({ cells: [spaced(end), count(number), minute(`ends ${end}`)] })));
  fill(at('lost'), Object.entries(lost).map(([file, lines]) => ({ cells: [spaced(file), count(lines)], bad: lines > 0 })));
}

function show_reload({ reload, now }) {
  if (!reload) return;
  const ago = duration(Date.parse(now) - Date.parse(reload.at));
  const did = reload.outcome === 'done'
    ? `Revision ${named(reload.revision)} was taken up ${ago} ago.`
    : `Revision ${named(reload.revision)} was refused ${ago} ago. What decided before still does.`;
  say(at('reload'), did);
  list(at('reload-errors'), (reload.errors ?? []).map((words) => ({ words: named(words, 500) })));
}

/** Experiments come and go with a reload: their elements are made anew then. */
function show_experiments({ experiments, traffic }) {
  const all = experiments ?? [];
  at('experiments-section').hidden = all.length === 0;
  const parent = at('experiments');
  const names = all.map(({ name, salt }) => `${name}\n${salt}`).join('\n\n');
  if (parent.dataset.names !== names) {
    parent.dataset.names = names;
    parent.replaceChildren(...all.map(({ name }) => {
      const part = document.createElement('div');
      const heading = document.createElement('h3');
      heading.textContent = named(name);
      part.append(heading, document.createElement('p'));
      table(part, `Arms of ${named(name)}`, [['Arm', false], ['Policy', false], ['Units', true], ['Decided requests', true], ['In a second', true]]);
      table(part, `Guardrails of ${named(name)}`, [['Guardrail', false], ['Arm', false], ['Units', true], ['Harm beyond the margin', true], ['At least', true]]);
      return part;
    }));
  }
  for (const [index, experiment] of all.entries()) {
    const part = parent.children[index];
    const why = experiment.why ? ` (${named(experiment.why, 300)})` : '';
    say(part.querySelector('p'), `It ${STATES[experiment.state] ?? spaced(experiment.state)}${why}.`);
    const [arms, guardrails] = part.querySelectorAll('table');
    fill(arms, experiment.arms.map((arm) => ({ cells: [
      named(arm.name), `${named(arm.policy)} ${arm.revision}`, count(arm.units),
      count(traffic.arms[arm.name] ?? 0), minute(`arms ${arm.name}`),
    ] })));
    const figure = (number) => (number === undefined || number === null ? '–' : number.toPrecision(3));
    fill(guardrails, experiment.guardrails.map((it) => ({
      cells: [named(it.metric), named(it.arm), `${count(it.units[0])}, ${count(it.units[1])}`, figure(it.excess), figure(it.at_least)],
      bad: it.at_least > 0,
    })), 'None is watched.');
  }
}

/** Says it to those who do not see it, once. */
function announce(words) {
  if (announced === words) return;
  announced = words;
  say(at('announced'), words);
}

function show_state(kind, words) {
  at('state').className = `state ${kind}`;
  say(at('state-words'), words);
}

function show(status, ready, recent) {
  heard = new Date();
  document.body.classList.remove('stale');
  const seconds = Date.parse(status.now) / 1000;
  if (status.started !== started) {
    started = status.started;
    past.clear();
    for (const glance of recent ?? []) past.add(Date.parse(glance.at) / 1000, sums_of_glance(glance), false);
  }
  past.add(seconds, sums_of(status));
  show_header(status);
  show_plots(status);
  show_tables(status);
  show_reload(status);
  show_experiments(status);
  const sentences = attention(status, ready);
  list(at('attention'), sentences);
  if (status.stopping) show_state('waiting', 'Stopping');
  else if (ready.ok) show_state('ready', 'Ready');
  else show_state('failing', 'Not ready');
  announce(sentences.map(({ words }) => words).join(' '));
}

function unreachable(why) {
  document.body.classList.toggle('stale', heard !== null);
  const since = heard ? ` Shown is what it said at ${heard.toLocaleTimeString('en-GB')}.` : '';
  show_state('failing', why);
  list(at('attention'), [{ words: `${why}.${since}` }]);
  announce(`${why}.`);
}

async function ask(path) {
  const given_up = AbortSignal.timeout(PATIENCE);
  return fetch(path, { signal: given_up, cache: 'no-store', redirect: 'error' });
}

async function look() {
  let answers;
  try {
    answers = await Promise.all([ask('/status'), ask('/readyz')]);
  } catch {
    unreachable('The proxy cannot be reached');
    return;
  }
  try {
    const [told, ready] = answers;
    if (!told.ok) throw new Error(`status ${told.status}`);
    const status = await told.json();
    // What came before is asked for once, and again when the proxy was started anew.
    const recent = status.started === started ? null : await (await ask('/recent')).json();
    show(status, { ok: ready.ok, words: named((await ready.text()).trim()) }, recent);
  } catch (error) {
    console.error(error);
    unreachable('What answers is not as this page expects it');
  }
}

async function run() {
  for (;;) {
    if (!paused) await look();
    await new Promise((resolve) => { setTimeout(resolve, document.hidden ? HIDDEN_PERIOD : PERIOD); });
  }
}

at('pause').addEventListener('click', () => {
  paused = !paused;
  at('pause').setAttribute('aria-pressed', String(paused));
  say(at('pause'), paused ? 'Paused' : 'Pause');
  announce(paused ? 'Paused.' : 'Going on.');
  if (!paused) look();
});

run();
