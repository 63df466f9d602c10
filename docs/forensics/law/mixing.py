"""How many answers mix both ways of writing, before and after they are marked.

    python3 mixing.py classes.tsv SITES MODEL...

SITES as attack.py has them. An answer mixes a kind if it has both variants of it at its sites: of contractions any
two classes count, as of regional forms; of the others both variants of one class. Told are shares of the answers
that have two sites or more of the kind, or of one class.
"""
import json
import os
import sys
from collections import defaultdict

from fit import kinds


def shares(paths, kind):
    mixed, of = defaultdict(int), defaultdict(int)
    for path in paths:
        for line in open(path):
            seen = defaultdict(list)
            for k, _, x in json.loads(line)["sites"]:
                g = kind[k]
                if g in ("contraction", "regional"):
                    seen[g, 0].append(x)
                elif g in ("compound", "spelling", "pronoun"):
                    seen[g, k].append(x)
            for g in {g for (g, _), xs in seen.items() if len(xs) > 1}:
                of[g] += 1
                mixed[g] += any(len(set(xs)) > 1 for (h, _), xs in seen.items() if h == g)
    return {g: (mixed[g] / of[g], of[g]) for g in of}


def main():
    lexicon, folder, *names = sys.argv[1:]
    kind = kinds(lexicon)
    keys = sorted({f.split(".")[-2] for f in os.listdir(folder) if ".law." in f})
    before = shares([f"{folder}/{m}.plain.jsonl" for m in names], kind)
    after = shares([f"{folder}/{m}.law.{key}.jsonl" for m in names for key in keys], kind)
    for g in sorted(before):
        print(f"{g}\tbefore {before[g][0]:.3f} of {before[g][1]}\tafter {after[g][0]:.3f} of {after[g][1]}")


if __name__ == "__main__":
    main()
