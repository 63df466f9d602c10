'use strict';

/* What was counted in the last ten minutes, and the lines that are drawn of it. */

const SVG = 'http://www.w3.org/2000/svg';

/** Seconds that a plot shows, and over which a rate is taken. */
const SHOWN = 600;
const SMOOTHED = 10;

/** An element of SVG. Attributes are numbers and words of this program. */
function drawn(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) {
    element.setAttribute(attribute, value);
  }
  parent?.append(element);
  return element;
}

/**
 * Sums over time, each a map of names to numbers, with the second at which they held. Of the time before
 * the page was opened only a few are known.
 */
class Past {
  constructor() {
    this.samples = [];
  }

  add(seconds, sums, is_whole = true) {
    const last = this.samples.at(-1);
    if (last && seconds <= last.seconds) return;
    this.samples.push({ seconds, sums, is_whole });
    while (this.samples.length > 2 && this.samples[1].seconds < seconds - SHOWN - SMOOTHED) {
      this.samples.shift();
    }
  }

  clear() {
    this.samples = [];
  }

  /** How much a sum has grown in a second, at a sample; null where it is not known yet. */
  rate(name, at = this.samples.length - 1, over = SMOOTHED) {
    const now = this.samples[at];
    const known = (place) => {
      const sample = this.samples[place];
      // A sum that is missing where all are known was zero.
      return sample !== undefined && (sample.is_whole || sample.sums.has(name) || is_glanced(name));
    };
    if (!now || !known(at - 1)) return null;
    let from = at - 1;
    while (known(from - 1) && now.seconds - this.samples[from].seconds < over) from -= 1;
    const before = this.samples[from];
    const grown = (now.sums.get(name) ?? 0) - (before.sums.get(name) ?? 0);
    return Math.max(0, grown) / (now.seconds - before.seconds);
  }

  /** The rates of some sums at each sample, with how long ago it was. */
  rates(names) {
    const last = this.samples.at(-1)?.seconds ?? 0;
    return this.samples.slice(1).map((sample, index) => ({
      ago: last - sample.seconds,
      values: names.map((name) => this.rate(name, index + 1) ?? 0),
    }));
  }
}

/** Whether a sum is one of those that the proxy keeps of the last minutes. */
function is_glanced(name) {
  return ['all', 'passed', 'words'].includes(name) || name.startsWith('grade ') || name.startsWith('refused ');
}

/** The next round number from a number on. */
function round_up(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((it) => it >= value * 0.999) ?? value;
}

/** Stacked areas of rates. */
class Plot {
  constructor(parent, title, unit) {
    this.id = `plot-${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`;
    this.unit = unit;
    this.figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    const name = document.createElement('b');
    name.textContent = title;
    name.id = `${this.id}-title`;
    const now = document.createElement('span');
    this.now = document.createTextNode('–');
    const small = document.createElement('small');
    small.textContent = ` ${unit}`;
    now.append(this.now, small);
    caption.append(name, now);
    const attributes = {
      role: 'img', 'aria-labelledby': name.id, 'aria-describedby': `${this.id}-says`,
    };
    this.svg = drawn('svg', attributes);
    this.says = drawn('desc', { id: `${this.id}-says` }, this.svg);
    this.areas = drawn('g', {}, this.svg);
    this.frame = drawn('g', {}, this.svg);
    this.key = document.createElement('ul');
    this.key.className = 'key';
    this.figure.append(caption, this.svg, this.key);
    parent.append(this.figure);
  }

  /** Draws series, each with a name of a sum, what it is called, and a class. */
  draw(past, series, say) {
    const points = past.rates(series.map((one) => one.sum));
    const totals = points.map((point) => point.values.reduce((sum, value) => sum + value, 0));
    // As many units as pixels, so that words are of one size whatever the width.
    this.width = Math.max(240, Math.round(this.svg.clientWidth) || 360);
    this.svg.setAttribute('viewBox', `0 0 ${this.width} 132`);
    const most = round_up(Math.max(...totals, 0) * 1.05);
    const x = (ago) => 36 + ((this.width - 36) * (SHOWN - Math.min(ago, SHOWN))) / SHOWN;
    const y = (rate) => 112 - (104 * Math.min(rate, most)) / most;
    const below = points.map(() => 0);
    this.areas.replaceChildren();
    for (const [index, one] of series.entries()) {
      const base = points.map((point, at) => `${x(point.ago).toFixed(1)} ${y(below[at]).toFixed(1)}`);
      points.forEach((point, at) => { below[at] += point.values[index]; });
      const top = points.map((point, at) => `${x(point.ago).toFixed(1)} ${y(below[at]).toFixed(1)}`);
      if (points.length > 1) {
        const outline = `M${top.join('L')}L${base.reverse().join('L')}Z`;
        drawn('path', { d: outline, class: one.class }, this.areas);
      }
    }
    this.axes(most, y, say);
    const last = points.at(-1)?.values;
    this.now.data = last ? say(totals.at(-1)) : '–';
    this.says.textContent = last
      ? `${series.map((one, at) => `${one.name} ${say(last[at])}`).join(', ')} ${this.unit}`
      : 'Not known yet.';
    this.legend(series.length > 1 ? series : [], last, say);
  }

  axes(most, y, say) {
    this.frame.replaceChildren();
    for (const share of [0, 0.5, 1]) {
      const at = y(most * share);
      drawn('line', { class: 'grid', x1: 36, x2: this.width, y1: at, y2: at }, this.frame);
      drawn('text', { class: 'end', x: 30, y: at + 4 }, this.frame).textContent = say(most * share);
    }
    for (const [minutes, anchor] of [[10, ''], [5, 'middle'], [0, 'end']]) {
      const at = 36 + ((this.width - 36) * (10 - minutes)) / 10;
      const words = minutes === 0 ? 'now' : `${minutes} min`;
      drawn('text', { class: anchor, x: at, y: 128 }, this.frame).textContent = words;
    }
  }

  legend(series, last, say) {
    this.key.replaceChildren(...series.map((one, at) => {
      const item = document.createElement('li');
      const swatch = drawn('svg', { viewBox: '0 0 10 10', 'aria-hidden': 'true' });
      drawn('rect', { width: 10, height: 10, class: one.class }, swatch);
      item.append(swatch, `${one.name} ${last ? say(last[at]) : ''}`);
      return item;
    }));
  }
}

/** The rosette of a banknote: an epitrochoid of eleven lobes. */
function rosette(path) {
  const points = [];
  for (let step = 0; step <= 440; step += 1) {
    const turn = (step / 440) * 2 * Math.PI * 5;
    const reach = 33 + 13 * Math.cos((turn * 11) / 5);
    points.push(`${(reach * Math.cos(turn)).toFixed(1)} ${(reach * Math.sin(turn)).toFixed(1)}`);
  }
  path.setAttribute('d', `M${points.join('L')}Z`);
}
