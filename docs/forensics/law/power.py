"""What so many words of real answers show of a mark, by both schemes: a simulation on their sites.

    pip install numpy blake3
    python3 power.py WORDS KEYS sites/MODEL.plain.jsonl...

The sites are those that `mark_sites plain` finds. A writer is simulated on them, by tests/kat/make_law.py's reading of
the specification, with keys that are drawn; p is worked out by docs/verify_reference.py, and for fair coins by Chernoff's
bound for signs with the text's own rates as its baseline. `copies` has in that share of the places what the key has;
of `a quarter` three answers of four are unmarked. Told are means of log10 p, for one key in all cells and in 40 % of them.
"""
import json
import math
import os
import random
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", ".."), os.path.join(HERE, "..", ".."), os.path.join(HERE, "../../../tests/kat")]
from make_law import bucket, rates
from verify_reference import threshold, verify

KNOWN = rates()


class Writer:
    """A text with its history; `choose` gives what stands at a site."""

    def __init__(self, key):
        self.key, self.n, self.r, self.seen, self.kept = key, {}, {}, set(), {}

    def site(self, k, word, x, choose):
        table, words, constants, kind = KNOWN
        if k not in table:
            return None
        pi, g = 1 / (1 + math.exp(-table[k] / 100)), kind[k]
        free = None
        if g == "pronoun" and k in self.kept:
            x = self.kept[k]
        else:
            c, n, r = constants.get(g, constants[""]), self.n, self.r
            l, here = table[k] / 100, words.get((k, word), table[k]) / 100
            z = (c[0] + c[1] * l + c[2] * (here - l) + c[3] * r.get(k, 0) / (n.get(k, 0) + 2)
                 + c[4] * r.get(g, 0) / (n.get(g, 0) + 5))
            odds = int(math.copysign(math.floor(abs(100 * z) + 0.5), z))
            cell = k * 64 + bucket(self.key, word)
            if cell not in self.seen and abs(odds) <= 389:
                x = choose(cell, odds, x)
                free = (cell, odds, x)
            self.seen.add(cell)
        for of in (k, g):
            self.n[of], self.r[of] = self.n.get(of, 0) + 1, self.r.get(of, 0) + x - pi
        if g == "pronoun":
            self.kept.setdefault(k, x)
        return free


def law(answers, share, marked, role):
    key, uniforms = random.randbytes(32), {}
    draw = lambda cell: uniforms.setdefault(cell, random.getrandbits(32))
    cells, sites, bits = {}, 0, 0.0
    for number, answer in enumerate(answers):
        writer = Writer(key)
        follows = marked(number)

        def choose(cell, odds, x):
            return int(draw(cell) < threshold(odds)) if follows and random.random() < share else x

        for k, word, x in answer:
            found = writer.site(k, word, x, choose)
            if found:
                cell, odds, x = found
                at = cells.setdefault(cell, {}).setdefault(odds, [0, 0])
                at[x] += 1
                p = threshold(odds) / 2**32
                sites, bits = sites + 1, bits - p * math.log2(p) - (1 - p) * math.log2(1 - p)
    tested = lambda cell: role == 1 or random.Random(f"{cell}{key}").random() < role
    rows = [(c, draw(c) if tested(c) else None, 0 if tested(c) else None, [(o, a, b) for o, (a, b) in p.items()])
            for c, p in sorted(cells.items())]
    return verify(rows, np.ones(256))[0] / math.log(10), sites, bits


def coins(answers, share, marked, role):
    salt, signs, count = random.random(), {}, {}
    sites = 0
    for number, answer in enumerate(answers):
        seen, follows = {}, marked(number)
        for k, word, x in answer:
            cell = k, random.Random(f"{word}").getrandbits(4)
            sign = signs.setdefault(cell, random.randrange(2))
            x = sign if follows and random.random() < share else x
            seen[cell] = seen.get(cell, 0) + 1
            sites += 1
            if seen[cell] <= 2:
                count.setdefault(cell, [0, 0])[x] += 1
    classes = {}
    for (k, _), (a, b) in count.items():
        c = classes.setdefault(k, [0, 0])
        classes[k] = [c[0] + a, c[1] + b]
    total, weights = 0.0, []
    for cell, (a, b) in count.items():
        if role < 1 and random.Random(f"{cell}{salt}").random() >= role:
            continue
        z, o = classes[cell[0]]
        rate, n = min(max((o + 0.5) / (z + o + 1), 0.005), 0.995), a + b
        weight = (b - n * rate) / (rate * (1 - rate) + n * 0.01)
        weights.append(weight)
        total += weight if signs[cell] else -weight
    w = np.array(weights)
    scale = math.sqrt(np.sum(w * w)) or 1
    tilts = np.geomspace(0.01, 60, 300) / scale
    bound = [np.sum(np.logaddexp(t * w, -t * w) - math.log(2)) - t * total for t in tilts]
    return min(0, min(bound)) / math.log(10), sites, float(sites)


def main():
    words, keys, *files = sys.argv[1:]
    random.seed(5)
    models = []
    for path in files:
        answers, count = [], 0
        for line in open(path):
            row = json.loads(line)
            answers.append(row["sites"])
            count += row["words"]
            if count >= int(words):
                break
        models.append(answers)
    ways = (("direct", 1.0, lambda n: True), ("copies 0.3", 0.3, lambda n: True),
            ("a quarter marked", 1.0, lambda n: n % 4 == 0), ("unmarked", 0.0, lambda n: False))
    print("scheme\ttext\tall cells\t40 % of them\tplaces in 1,000 words\tbits")
    for name, scheme in (("coins", coins), ("law", law)):
        for way, share, marked in ways:
            of = lambda role: np.mean([scheme(m, share, marked, role) for m in models for _ in range(int(keys))], axis=0)
            (all_cells, sites, bits), (some, _, _) = of(1), of(0.4)
            per = 1000 / int(words)
            print(f"{name}\t{way}\t{all_cells:.1f}\t{some:.1f}\t{sites * per:.1f}\t{bits * per:.1f}", flush=True)


if __name__ == "__main__":
    main()
