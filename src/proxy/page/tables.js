
/* Words, numbers and tables. What others have named becomes text, and nothing else. */

const at = (id) => document.getElementById(id);

/** Sets the text of an element, and leaves it alone if it is that already. */
function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

const count = (number) => whole.format(number);

/** A number for an axis, or of something in a second. */
function rate(number) {
  if (number === null || number === undefined) return '–';
  if (number === 0) return '0';
  if (number < 0.01) return '< 0.01';
  return short.format(number);
}

function duration(milliseconds) {
  const units = [[86400e3, 'd'], [3600e3, 'h'], [60e3, 'min'], [1e3, 's']];
  for (const [index, [size, unit]] of units.entries()) {
    if (milliseconds < size) continue;
    const many = Math.floor(milliseconds / size);
    const next = units[index + 1];
    const rest = next ? Math.floor((milliseconds % size) / next[0]) : 0;
    return rest > 0 && many < 100 ? `${count(many)} ${unit} ${rest} ${next[1]}` : `${count(many)} ${unit}`;
  }
  return `${Math.round(milliseconds)} ms`;
}

/** Names that have no ink, or steer what is around them, are shown in the open. */
function named(name, most = 80) {
  const visible = String(name).replaceAll(/[\p{C}\p{Z}]/gu, (character) =>
    character === ' ' ? character : `\\u{${character.codePointAt(0).toString(16)}}`);
  return visible.length > most ? `${visible.slice(0, most - 1)}…` : visible;
}

/** Names of this program in words: words_removed. */
const spaced = (name) => String(name).replaceAll('_', ' ');

/**
 * Fills the body of a table. A row has cells, the first of which heads it, and may be bad. Rows and cells
 * stay the elements that they are, so that who reads or selects them is not disturbed.
 */
function fill(table, rows, none = 'None so far.') {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const wanted = rows.length > 0 ? rows : [{ cells: [none], empty: true }];
  while (body.rows.length > wanted.length) body.deleteRow(-1);
  for (const [index, { cells, bad, empty }] of wanted.entries()) {
    let row = body.rows[index] ?? body.insertRow();
    if (row.cells.length !== cells.length || row.classList.contains('empty') !== Boolean(empty)) {
      const fresh = document.createElement('tr');
      cells.forEach((_, place) => {
        const cell = document.createElement(place === 0 && !empty ? 'th' : 'td');
        if (empty) cell.colSpan = heads.length;
        else if (place === 0) cell.scope = 'row';
        if (!empty && heads[place]?.classList.contains('n')) cell.className = 'n';
        fresh.append(cell);
      });
      row.replaceWith(fresh);
      row = fresh;
    }
    row.className = empty ? 'empty' : bad ? 'bad' : '';
    cells.forEach((words, place) => say(row.cells[place], String(words)));
  }
}

/** A list of sentences in place of the one before. */
function list(element, sentences) {
  const told = sentences.map(({ words, kind }) => `${kind ?? ''}\n${words}`).join('\n\n');
  if (element.dataset.told === told) return;
  element.dataset.told = told;
  element.replaceChildren(...sentences.map(({ words, kind }) => {
    const item = document.createElement('li');
    if (kind) item.className = kind;
    item.textContent = words;
    return item;
  }));
}

/** A table of its own, for what there may be several of. */
function table(parent, caption, heads) {
  const scroll = document.createElement('div');
  scroll.className = 'scroll';
  scroll.tabIndex = 0;
  scroll.setAttribute('role', 'group');
  scroll.setAttribute('aria-label', caption);
  const made = document.createElement('table');
  made.createCaption().textContent = caption;
  const row = made.createTHead().insertRow();
  for (const [words, isNumber] of heads) {
    const head = document.createElement('th');
    head.scope = 'col';
    head.textContent = words;
    if (isNumber) head.className = 'n';
    row.append(head);
  }
  made.createTBody();
  scroll.append(made);
  parent.append(scroll);
  return made;
}
