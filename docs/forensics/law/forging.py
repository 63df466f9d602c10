"""What it takes to frame an account without any key, and what is left of a mark that was made again with a foreign one.

    pip install numpy blake3
    python3 forging.py frame WORDS DRAWS TARGET.plain.jsonl sites/MODEL.plain.jsonl...
    python3 forging.py clean WORDS DRAWS sites/MODEL.plain.jsonl...

The sites are those that `mark_sites plain` finds in real answers; writers are those of power.py, and p is that of
docs/verify_reference.py. `frame`: an adversary has answers of one account, from the files after the first, marked at full
strength. He knows lexicon, rates and formulas, and no key. From every place he notes what its class had behind its word
(or in its bucket, where buckets are public); then he goes through so many words of TARGET, answers to other questions than
those that he learned from, and has at every place of which he knows something what the account had. `copied` are the account's answers as they are. Told is the median of log10 p of the account's own test
(60 % of the cells, for one that was never linked), over so many draws of keys.

`clean`: a text is marked with one key, in all its cells; then marked again with another, with buckets of its own.
"""
import json
import math
import random
import statistics
import sys

import numpy as np

import power
from power import Writer
from verify_reference import effect, threshold, verify

KEYED = power.bucket
# A function in the place of a key gives the bucket itself: for readers that have none.
power.bucket = lambda key, word: key(word) if callable(key) else KEYED(key, word)

ACCOUNTS = 0.6
COUNTS = (10, 20, 50, 100, 200, 500, 1000, 2000, 4000)


def read(path):
    return [json.loads(line) for line in open(path)]


def each_word():
    """A bucket for every word: what is known without the bucket key."""
    numbers = {}
    return lambda word: 64_000 * numbers.setdefault(word, len(numbers))


class Learned:
    """What stood where: of each cell the thresholds that were met, and what was chosen."""

    def __init__(self, key):
        self.key, self.met = key, {}

    def learn(self, answer):
        reader = Writer(self.key)

        def note(cell, odds, x):
            self.met.setdefault(cell, []).append((threshold(odds), x))
            return x

        for site in answer:
            reader.site(*site, note)

    def choose(self, cell, odds, x):
        here, votes = threshold(odds), 0
        for met, had in self.met.get(cell, ()):
            votes += 1 if had and met <= here else -1 if not had and met >= here else 0
        return int(votes > 0) if votes else x

    def forged(self, answer):
        writer, out = Writer(self.key), []
        for k, word, x in answer:
            found = writer.site(k, word, x, self.choose)
            out.append((k, word, found[2] if found else x))
        return out


def uniforms():
    drawn = {}
    return lambda cell: drawn.setdefault(cell, random.getrandbits(32))


def marked(answer, key, draw):
    writer, out = Writer(key), []
    for k, word, x in answer:
        found = writer.site(k, word, x, lambda cell, odds, _: int(draw(cell) < threshold(odds)))
        out.append((k, word, found[2] if found else x))
    return out


def rows(answers, key, draw, role, salt=0):
    """The cells of a text as the program exports them."""
    cells = {}
    for answer in answers:
        writer = Writer(key)
        for site in answer:
            found = writer.site(*site, lambda cell, odds, x: x)
            if found:
                cell, odds, x = found
                cells.setdefault(cell, {}).setdefault(odds, [0, 0])[x] += 1
    tested = lambda cell: role == 1 or random.Random(f"{cell} {salt}").random() < role
    return [(c, draw(c) if tested(c) else None, 0 if tested(c) else None, [(o, a, b) for o, (a, b) in p.items()])
            for c, p in sorted(cells.items())]


def log10_p(cells):
    return verify(cells, np.ones(256))[0] / math.log(10)


def coin_cell(keyed):
    """Cells of the older scheme: 16 public buckets; or each word by itself, for who does not know them."""
    return (lambda k, word: (k, word)) if keyed else (lambda k, word: (k, random.Random(word).getrandbits(4)))


def frame_by_law(target, source, public):
    key, draw, salt = random.randbytes(32), uniforms(), random.random()
    learned, out, taken = Learned(key if public else each_word()), [], 0
    for count in COUNTS:
        for row in source[taken:count]:
            learned.learn(marked(row, key, draw))
        taken = count
        forged = [learned.forged(answer) for answer in target]
        out.append(log10_p(rows(forged, key, draw, ACCOUNTS, salt)))
    return out


def frame_by_coins(target, source, keyed):
    true, known, signs, out, taken = coin_cell(False), coin_cell(keyed), {}, [], 0
    sign = lambda k, word: signs.setdefault(true(k, word), random.randrange(2))
    has, salt = {}, random.random()
    for count in COUNTS:
        for row in source[taken:count]:
            for k, word, _ in row:
                has[known(k, word)] = sign(k, word)
        taken = count
        forged = [[(k, word, has.get(known(k, word), x)) for k, word, x in answer] for answer in target]
        out.append(coins_log10_p(forged, true, lambda cell: signs.setdefault(cell, random.randrange(2)), ACCOUNTS, salt))
    return out


def coins_log10_p(answers, cell_of, sign, role, salt):
    count, classes = {}, {}
    for answer in answers:
        seen = {}
        for k, word, x in answer:
            cell = cell_of(k, word)
            seen[cell] = seen.get(cell, 0) + 1
            if seen[cell] <= 2:
                count.setdefault(cell, [0, 0])[x] += 1
    for (k, _), (a, b) in count.items():
        c = classes.setdefault(k, [0, 0])
        classes[k] = [c[0] + a, c[1] + b]
    total, weights = 0.0, []
    for cell, (a, b) in count.items():
        if role < 1 and random.Random(f"{cell} {salt}").random() >= role:
            continue
        z, o = classes[cell[0]]
        rate, n = min(max((o + 0.5) / (z + o + 1), 0.005), 0.995), a + b
        weights.append((b - n * rate) / (rate * (1 - rate) + n * 0.01))
        total += weights[-1] if sign(cell) else -weights[-1]
    w = np.array(weights)
    scale = math.sqrt(np.sum(w * w)) or 1
    tilts = np.geomspace(0.01, 60, 300) / scale
    return min(0, min(np.sum(np.logaddexp(t * w, -t * w) - math.log(2)) - t * total for t in tilts)) / math.log(10)


def copied(source):
    key, draw, salt, out = random.randbytes(32), uniforms(), random.random(), []
    for count in COUNTS:
        out.append(log10_p(rows([marked(row, key, draw) for row in source[:count]], key, draw, ACCOUNTS, salt))
                   if count <= 100 else math.nan)
    return out


def frame(words, draws, target, *files):
    text, count = [], 0
    for row in read(target):
        text.append(row["sites"])
        count += row["words"]
        if count >= int(words):
            break
    source = [row["sites"] for path in files for row in read(path)[len(text):]]
    print(f"{count} words in {len(text)} answers; {len(source)} answers to learn from")
    ways = (("coins, public buckets", lambda s: frame_by_coins(text, s, False)),
            ("coins, if buckets were keyed", lambda s: frame_by_coins(text, s, True)),
            ("law, with the bucket key", lambda s: frame_by_law(text, s, True)),
            ("law, without", lambda s: frame_by_law(text, s, False)),
            ("law, copied", copied))
    print("\t".join(["answers", *map(str, COUNTS)]))
    for name, way in ways:
        found = []
        for _ in range(int(draws)):
            random.shuffle(source)
            found.append(way(source))
        print("\t".join([name, *(f"{statistics.median(at):.1f}" for at in zip(*found))]), flush=True)


def clean(words, draws, *files):
    answers, count = [], 0
    sources = [read(path) for path in files]
    for row in (row for number in range(805) for source in sources for row in source[number:number + 1]):
        answers.append(row["sites"])
        count += row["words"]
        if count >= int(words):
            break
    print("scheme\ttext\tlog10 p\teffect")
    told = {}
    for _ in range(int(draws)):
        key, draw, other, others = random.randbytes(32), uniforms(), random.randbytes(32), uniforms()
        texts = {"unmarked": answers, "marked": [marked(answer, key, draw) for answer in answers]}
        texts["marked again"] = [marked(answer, other, others) for answer in texts["marked"]]
        texts["every other answer again"] = [
            again if number % 2 else first
            for number, (first, again) in enumerate(zip(texts["marked"], texts["marked again"]))]
        for name, text in texts.items():
            cells = rows(text, key, draw, 1)
            told.setdefault(("law", name), []).append((log10_p(cells), effect(cells, np.ones(256))))
        signs, foreign, true = {}, {}, coin_cell(False)
        sign = lambda cell: signs.setdefault(cell, random.randrange(2))
        by = lambda own, text: [[(k, word, own(true(k, word))) for k, word, _ in answer] for answer in text]
        texts = {"marked": by(sign, answers)}
        texts["marked again"] = by(lambda cell: foreign.setdefault(cell, random.randrange(2)), texts["marked"])
        for name, text in texts.items():
            told.setdefault(("coins", name), []).append((coins_log10_p(text, true, sign, 1, 0), math.nan))
    for (scheme, name), found in told.items():
        p, share = (statistics.median(values) for values in zip(*found))
        print(f"{scheme}\t{name}\t{p:.1f}\t{share:.3f}")


if __name__ == "__main__":
    random.seed(11)
    {"frame": frame, "clean": clean}[sys.argv[1]](*sys.argv[2:])
