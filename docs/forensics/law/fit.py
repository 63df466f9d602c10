"""Fits the rates and constants of src/mark/law/rates.tsv to the sites of models' answers.

    cargo run --release --example mark_sites -- plain MODEL.jsonl > sites/MODEL.jsonl     # for each model
    python3 fit.py src/mark/lexicon/classes.tsv sites/MODEL.jsonl... > src/mark/law/rates.tsv
"""
import json
import math
import sys
from collections import defaultdict

import numpy as np

LEAST_CLASS, LEAST_WORD = 12, 15   # sites of which a rate is told
SHARP = 1.08    # what the constants are raised by
DIVIDED = 0.3   # how much models may differ in a class, for each bit that it carries


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def logit(p):
    return math.log(p / (1 - p))


def kinds(lexicon):
    rows = (line.split("\t") for line in open(lexicon) if line[0] not in "#@\n")
    return {int(row[0]): row[1] for row in rows}


def usual(models):
    """Log-odds of each class over all models, each class drawn to even by one site."""
    count = defaultdict(lambda: [0.5, 0.5])
    for answers in models:
        for answer in answers:
            for k, _, x in answer:
                count[k][x] += 1
    return {k: (math.log(b / a), a + b - 1) for k, (a, b) in count.items()}


def is_divided(models, k, l):
    """Whether a class tells models apart by more than it carries: chi-square beyond what chance gives, by bits."""
    p = sigmoid(l)
    bits = -(p * math.log2(p) + (1 - p) * math.log2(1 - p))
    apart = sites = 0
    for answers in models:
        variants = [x for answer in answers for c, _, x in answer if c == k]
        n = len(variants)
        sites += n
        if n:
            apart += (sum(variants) - n * p) ** 2 / (n * p * (1 - p)) - 1
    return apart > DIVIDED * bits * sites and sites >= 100


def own(answers, table, weight=8):
    """A model's own log-odds of each class, drawn to the table as if by so many sites."""
    count = defaultdict(lambda: [0, 0])
    for answer in answers:
        for k, _, x in answer:
            count[k][x] += 1
    rate = {}
    for k, l in table.items():
        a, b = count[k]
        p = sigmoid(l)
        rate[k] = logit((b + weight * p) / (a + b + weight))
    return rate


def behind_words(models, rates):
    """How much log-odds differ behind a word, drawn to 0 by a normal prior of deviation 1."""
    seen = defaultdict(list)
    for answers, rate in zip(models, rates):
        for answer in answers:
            for k, w, x in answer:
                if k in rate:
                    seen[k, w].append((rate[k], x))
    found = {}
    for (k, w), sites in seen.items():
        if len(sites) < LEAST_WORD:
            continue
        l, x = np.array(sites).T
        d = 0.0
        for _ in range(30):
            p = 1 / (1 + np.exp(-(l + d)))
            step = (np.sum(x - p) - d) / (np.sum(p * (1 - p)) + 1)
            d += step
        if abs(d) >= 0.15:
            found[k, w] = d
    return found


def features(models, rates, words, kind):
    rows = defaultdict(list)
    for answers, rate in zip(models, rates):
        for answer in answers:
            classes, of_kind = defaultdict(lambda: [0, 0]), defaultdict(lambda: [0, 0])
            for k, w, x in answer:
                if k not in rate:
                    continue
                g, l = kind[k], rate[k]
                ck, cg = classes[k], of_kind[g]
                rows[g].append((1, l, words.get((k, w), 0), ck[0] / (ck[1] + 2), cg[0] / (cg[1] + 5), x))
                for c in (ck, cg):
                    c[0] += x - sigmoid(l)
                    c[1] += 1
    return rows


def constants(rows):
    """A logistic regression, drawn to (0, 1, 1, 0, 0)."""
    prior, weight = np.array([0, 1, 1, 0, 0.0]), np.array([4, 20, 10, 0.1, 0.1])
    rows = np.array(rows)
    f, x, c = rows[:, :5], rows[:, 5], prior.copy()
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(f @ c, -30, 30)))
        gradient = f.T @ (x - p) - weight * (c - prior)
        c += np.linalg.solve((f * (p * (1 - p))[:, None]).T @ f + np.diag(weight), gradient)
    return c


def main():
    kind = kinds(sys.argv[1])
    models = [[json.loads(line)["sites"] for line in open(path)] for path in sys.argv[2:]]
    table = {k: l for k, (l, n) in usual(models).items() if n >= LEAST_CLASS}
    table = {k: l for k, l in table.items() if not is_divided(models, k, l)}
    rates = [own(answers, table) for answers in models]
    words = behind_words(models, rates)
    # By the table, as a writer has it before it has learned: what sets a model apart, its answer's history tells.
    rows = features(models, [table] * len(models), words, kind)
    rest = [row for g, of in rows.items() if len(of) < 300 for row in of]
    print("# Log-odds of the second variant, in hundredths, by class and behind words; constants by kind.")
    print("# Written by docs/forensics/law/fit.py; docs/forensics/law/README.md names the answers.")
    if rest:
        print("@\t" + "\t".join(f"{SHARP * c:.2f}" for c in constants(rest)))
    for g, of in sorted(rows.items()):
        if len(of) >= 300:
            # The writer draws with 0.8 of the log-odds, which a reader of many answers would notice: here it is made
            # 0.86, and 1.08 of them for contractions, since few texts mix them.
            sharp = 1.35 if g == "contraction" else SHARP
            print(f"@{g}\t" + "\t".join(f"{sharp * c:.2f}" for c in constants(of)))
    for k, l in sorted(table.items()):
        print(f"{k}\t{round(100 * l)}")
        for (_, w), d in sorted((key, d) for key, d in words.items() if key[0] == k):
            print(f"{k}\t{round(100 * (l + d))}\t{w}")


if __name__ == "__main__":
    main()
