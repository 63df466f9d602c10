"""Known answers of the mark that keeps the law of its writer, by another hand.

    pip install numpy blake3
    python3 tests/kat/make_law.py > tests/kat/law.json

Keys and buckets by the package blake3 (of BLAKE3's authors), the key stream, choices, scores and p-values by
docs/verify_reference.py and what is below, from the formulas; nothing was read from the program.
"""
import json
import math
import os
import random
import struct
import sys

import blake3
import numpy

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "docs"))
from verify_reference import cell_scores, habit, merged, shares_by_coin, threshold, uniform_and_coin, verify

CONTEXT = "guilloche 2026-11-23 mark keys v1"
ROOT = os.path.join(os.path.dirname(__file__), "..", "..")


def derive(master, purpose, tenant, epoch, role, name):
    field = lambda text: struct.pack("<I", len(text.encode())) + text.encode()
    material = master + field(purpose) + field(tenant) + struct.pack("<I", epoch) + bytes([role]) + field(name)
    return blake3.blake3(material, derive_key_context=CONTEXT).digest()


def rates():
    table, words, constants = {}, {}, {}
    for line in open(os.path.join(ROOT, "src/mark/law/rates.tsv")):
        row = line.rstrip("\n").split("\t")
        if line.startswith("@"):
            constants[row[0][1:]] = [float(c) for c in row[1:]]
        elif not line.startswith("#"):
            if len(row) == 2:
                table[int(row[0])] = int(row[1])
            else:
                words[int(row[0]), row[2]] = int(row[1])
    rows = (line.split("\t") for line in open(os.path.join(ROOT, "src/mark/lexicon/classes.tsv")) if line[0] not in "#@\n")
    return table, words, constants, {int(row[0]): row[1] for row in rows}


def bucket(key, word):
    return blake3.blake3(word.encode(), key=key).digest()[0] & 63


def places(sites, key, known):
    """What is to become of each site of a text, in which these variants stand."""
    table, words, constants, kind = known
    n, r, seen, kept, out = {}, {}, set(), {}, []
    for k, word, x in sites:
        if k not in table:
            out.append("author")
            continue
        pi, g = 1 / (1 + math.exp(-table[k] / 100)), kind[k]
        if g == "pronoun" and k in kept:
            out.append(["follows", kept[k]])
        else:
            c = constants.get(g, constants[""])
            l, here = table[k] / 100, words.get((k, word), table[k]) / 100
            z = (c[0] + c[1] * l + c[2] * (here - l) + c[3] * r.get(k, 0) / (n.get(k, 0) + 2)
                 + c[4] * r.get(g, 0) / (n.get(g, 0) + 5))
            odds = int(math.copysign(math.floor(abs(100 * z) + 0.5), z))
            cell = k * 64 + bucket(key, word)
            free = cell not in seen and abs(odds) <= 389
            seen.add(cell)
            out.append(["free", cell, odds] if free else "author")
        for of in (k, g):
            n[of], r[of] = n.get(of, 0) + 1, r.get(of, 0) + x - pi
        if g == "pronoun":
            kept.setdefault(k, x)
    return out


def main():
    random.seed(11)
    master = bytes(range(32))
    known = rates()
    table = known[0]
    buckets = derive(master, "bucket", "", 3, 0, "")
    key = derive(master, "lexical", "t", 3, 2, "acct-17")
    usual = sorted(table)
    words = ["", "the", "you", "it's", "naïve", "behind"] + sorted({w for _, w in known[1]})
    pronouns = [k for k in usual if known[3][k] == "pronoun"]
    texts = []
    for length in (1, 12, 60, 200):
        some = random.sample(usual, 25) + pronouns
        sites = [[random.choice(some), random.choice(words), random.randrange(2)] for _ in range(length)]
        texts.append({"sites": sites, "places": places(sites, buckets, known)})
    cells = random.sample([k * 64 + b for k in usual for b in range(64)], 30)
    tests = []
    for number, strengths in ((3, []), (40, [[1.0, 5]]), (250, [[1.0, 3], [0.5, 2], [0.25, 1]])):
        chosen = random.sample([k * 64 + b for k in random.sample(usual, 12) for b in range(64)], number)
        rows = []
        for cell in sorted(chosen):
            several = sorted(random.sample(range(-389, 390), random.choice((1, 1, 2, 5))))
            rows.append([cell, [[o, random.randrange(3), random.randrange(1, 3)] for o in several]])
        full = [(c, *uniform_and_coin(key, c), p) for c, p in rows]
        if number == 40:    # a text that follows the key
            rows = [[c, [[o, int(u >= threshold(o)), int(u < threshold(o))] for o, _, _ in p]] for c, u, _, p in full]
            full = [(c, *uniform_and_coin(key, c), p) for c, p in rows]
        ln_p, totals = verify(full, shares_by_coin(strengths))
        alpha = habit([p for c, places in rows if c // 64 == rows[0][0] // 64 for p in places])
        first = cell_scores(merged(rows[0][1]), alpha, 0.3)[2]
        tests.append({"strengths": strengths, "cells": rows, "ln_p": ln_p, "totals": totals, "first": list(first)})
    json.dump({
        "source": f"numpy {numpy.__version__}, blake3 {blake3.__version__}, docs/verify_reference.py",
        "master": master.hex(), "epoch": 3, "tenant": "t", "account": "acct-17",
        "bucket_key": buckets.hex(), "key": key.hex(),
        "cells": [[c, *uniform_and_coin(key, c)] for c in cells],
        "thresholds": [[o, threshold(o)] for o in range(-389, 390, 7)],
        "texts": texts, "tests": tests,
    }, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
