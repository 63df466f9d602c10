"""How well a reader without the key tells marked answers from unmarked ones.

    python3 attack.py classes.tsv rates.tsv SITES MODEL...

SITES holds MODEL.plain.jsonl and MODEL.{coins,law}.KEY.jsonl for some keys, as `mark_sites` writes them (and
the same in SITES/150, of the first 150 words of each answer). The reader knows the lexicon and the rates of
the very model, from answers that it is not asked about, and has learned from marks under other keys what marks
do; it gets what its better detector of two makes of an answer, or of a set of answers under one key.
"""
import json
import math
import os
import random
import sys
from collections import defaultdict

import numpy as np

from fit import kinds, own, sigmoid


def read_rates(path):
    table, words, constants = {}, {}, {}
    for line in open(path):
        row = line.rstrip("\n").split("\t")
        if line.startswith("@"):
            constants[row[0][1:]] = [float(c) for c in row[1:]]
        elif not line.startswith("#"):
            if len(row) == 2:
                table[int(row[0])] = int(row[1]) / 100
            else:
                words[int(row[0]), row[2]] = int(row[1]) / 100 - table[int(row[0])]
    return table, words, constants


class Model:
    """What is known of one model."""

    def __init__(self, rate, words, constants, kind):
        self.rate, self.words, self.constants, self.kind = rate, words, constants, kind

    def expected(self, sites):
        classes, of_kind = defaultdict(lambda: [0, 0]), defaultdict(lambda: [0, 0])
        for k, w, x in sites:
            if k not in self.rate:
                continue
            l, g = self.rate[k], self.kind[k]
            c0, c1, c2, c3, c4 = self.constants.get(g, self.constants[""])
            ck, cg = classes[k], of_kind[g]
            z = c0 + c1 * l + c2 * self.words.get((k, w), 0) + c3 * ck[0] / (ck[1] + 2) + c4 * cg[0] / (cg[1] + 5)
            yield k, w, g, x, min(max(sigmoid(z), 0.002), 0.998)
            for c in (ck, cg):
                c[0] += x - sigmoid(l)
                c[1] += 1


def summary(model, answers):
    """A few numbers: surprise, rare forms, mixing, and how much classes and cells lean together."""
    f = np.zeros(14)
    classes, cells = defaultdict(lambda: [0.0, 0.0]), defaultdict(lambda: [0.0, 0.0])
    for sites in answers:
        seen = defaultdict(set)
        for k, w, g, x, p in model.expected(sites):
            own = p if x else 1 - p
            f[0] += 1
            f[1] += -math.log(own) - (-p * math.log(p) - (1 - p) * math.log(1 - p))
            f[2] += own < 0.05
            f[3] += own < 0.2
            f[4] += (x - p) * (1 if p < 0.5 else -1)
            f[5] += (x - p) * (1 if p < 0.5 else -1) * (0.1 < min(p, 1 - p))
            seen[k].add(x)
            if g == "contraction":
                f[6] += (x - p) * (1 if p < 0.5 else -1)
                f[7] += 1
            for c in (classes[k], cells[k, w]):
                c[0] += x - p
                c[1] += p * (1 - p)
        f[8] += sum(len(v) == 2 for v in seen.values())
    for place, of in ((9, classes), (11, cells)):
        chi = [d * d / (v + 0.05) - v / (v + 0.05) for d, v in of.values()]
        f[place] = sum(chi)
        f[place + 1] = sum(c for c in chi if c > 3)
    f[13] = f[1] / math.sqrt(f[0] + 1)
    return f


def by_class(model, answers, place):
    f = np.zeros(2 * len(place))
    for sites in answers:
        for k, w, g, x, p in model.expected(sites):
            f[place[k]] += x - p
            f[len(place) + place[k]] += abs(x - p)
    return f


def logistic(f, y, weight):
    c = np.zeros(f.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-np.clip(f @ c, -30, 30)))
        g = f.T @ (y - p) - weight * c
        h = (f * (p * (1 - p))[:, None]).T @ f + weight * np.eye(len(c))
        c += np.linalg.solve(h, g)
    return c


def auc(score, y):
    order = np.argsort(score, kind="stable")
    rank = np.empty(len(score))
    rank[order] = np.arange(1, len(score) + 1)
    for v in np.unique(score):
        rank[score == v] = rank[score == v].mean()
    n = y.sum()
    return (rank[y == 1].sum() - n * (n + 1) / 2) / (n * (len(y) - n))


def detect(train, test):
    best = 0.5
    for which, weight in ((0, 1.0), (1, 20.0)):
        (f, y), (g, z) = (([r[which] for r in part], np.array([r[2] for r in part])) for part in (train, test))
        f, g = np.array(f), np.array(g)
        mean, deviation = f.mean(0), f.std(0) + 1e-9
        add = lambda m: np.hstack([np.clip((m - mean) / deviation, -6, 6), np.ones((len(m), 1))])
        best = max(best, auc(add(g) @ logistic(add(f), y, weight), z))
    return best


def main():
    lexicon, rates, folder, *names = sys.argv[1:]
    kind = kinds(lexicon)
    table, words, constants = read_rates(rates)
    place = {k: n for n, k in enumerate(sorted(table))}
    read = lambda path: [json.loads(line) for line in open(path)]
    sites = lambda answers: [a["sites"] for a in answers]
    plain = {m: read(f"{folder}/{m}.plain.jsonl") for m in names}
    keys = sorted({f.split(".")[-2] for f in os.listdir(folder) if ".law." in f})
    schemes = sorted({f.split(".")[-3] for f in os.listdir(folder) if f.endswith(f".{keys[0]}.jsonl")})
    print("scheme\tone of 150\tone of 800\t20 answers")
    for scheme in schemes:
        row = [scheme]
        for what in ("150", "800", "20"):
            random.seed(1)
            parts = ([], [])
            for m in names:
                n = len(plain[m])
                known = Model(own(sites(plain[m][: n // 2]), table), words, constants, kind)
                sub = f"{folder}/150" if what == "150" else folder
                unmarked = read(f"{sub}/{m}.plain.jsonl")
                for key in keys:
                    marked = read(f"{sub}/{m}.{scheme}.{key}.jsonl")
                    last = key == keys[-1]
                    asked = range(3 * n // 4, n) if last else range(n // 2, 3 * n // 4)
                    if what == "800":
                        asked = [i for i in asked if 500 <= plain[m][i]["words"] <= 1200]
                    groups = [[i] for i in asked]
                    if what == "20":
                        groups = [random.sample(list(asked), 20) for _ in range(60 if last else 60)]
                    for group in groups:
                        for y, of in ((0, unmarked), (1, marked)):
                            chosen = [of[i]["sites"] for i in group]
                            parts[last].append((summary(known, chosen), by_class(known, chosen, place), y))
            row.append(f"{detect(*parts):.3f}")
        print("\t".join(row), flush=True)


if __name__ == "__main__":
    main()
