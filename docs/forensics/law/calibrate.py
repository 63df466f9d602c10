"""How small p is under keys that a text does not know: the text is fixed, keys are drawn.

    python3 calibrate.py WORDS KEYS sites/MODEL.plain.jsonl...

As power.py, with the texts as they are and uniforms that are drawn for each of so many keys.
"""
import json
import math
import random
import sys

import numpy as np

from power import Writer
from verify_reference import SHARES, TILTS, cell_scores, habit, merged


def main():
    words, keys, *files = sys.argv[1:]
    random.seed(3)
    source = np.random.default_rng(3)
    below = np.zeros(3)
    least, drawn = 0.0, 0
    for path in files:
        cells, count, key = {}, 0, random.randbytes(32)
        for line in open(path):
            row = json.loads(line)
            writer = Writer(key)
            for site in row["sites"]:
                found = writer.site(*site, lambda cell, odds, x: x)
                if found:
                    cell, odds, x = found
                    cells.setdefault(cell, []).append((odds, 1 - x, x))
            count += row["words"]
            if count >= int(words):
                break
        alpha = {k: habit([p for c, ps in cells.items() if c // 64 == k for p in ps]) for k in {c // 64 for c in cells}}
        n = int(keys)
        ln_p = np.zeros(n)
        uniforms = {cell: source.integers(0, 2**32, n) for cell in cells}
        for share in SHARES:
            total, cumulants = np.zeros(n), np.zeros(len(TILTS))
            for cell, places in sorted(cells.items()):
                ends, widths, s = cell_scores(merged(places), alpha[cell // 64], share)
                total += s[np.searchsorted(ends, uniforms[cell], side="right")]
                cumulants += np.log(np.exp(np.outer(TILTS, s)) @ widths)
            ln_p = np.minimum(ln_p, np.min(cumulants[:, None] - TILTS[:, None] * total, axis=0))
        ln_p = np.minimum(ln_p + math.log(3), 0)
        below += [np.sum(ln_p < math.log(level)) for level in (0.05, 0.01, 0.001)]
        least, drawn = min(least, ln_p.min()), drawn + n
    print(f"{drawn} keys: below 0.05 {below[0] / drawn:.4f}, below 0.01 {below[1] / drawn:.4f}, "
          f"below 0.001 {below[2] / drawn:.5f}, least {math.exp(least):.1e}")


if __name__ == "__main__":
    main()
