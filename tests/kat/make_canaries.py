"""Known answers of canary cells, by another hand.

    pip install numpy blake3
    python3 tests/kat/make_canaries.py > tests/kat/canaries.json

Keys and groups by the package blake3 (of BLAKE3's authors), the key stream and the test by
docs/verify_reference.py; subsets are drawn one by one where that is possible. Nothing was read from the program.
"""
import itertools
import json
import math
import os
import random
import sys

import blake3

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "docs"))
from make_law import derive
from verify_reference import key_stream, share_of_subsets

CONTEXT = "guilloche 2026-12-01 passage key v1"
OPENINGS = [
    "there are many ways to sort a list",
    "it's a well-known fact that nobody reads this",
    "",
    "été comme hiver nous allons à la plage",
]


def main():
    random.seed(12)
    master, epoch, tenant = bytes(range(7, 39)), 3, "north"
    passages = blake3.blake3(derive(master, "bucket", "", epoch, 0, ""), derive_key_context=CONTEXT).digest()
    key = derive(master, "canary", tenant, epoch, 0, "")
    drawn = sorted((key_stream(key, group), group) for group in range(64))
    cells = [0, 1, 63, 64, 4_097, 40_000]
    groups = [[random.randrange(9), random.randrange(9)] for _ in range(64)]
    active = sorted(group for _, group in drawn[:13])
    values = [canary - ordinary for canary, ordinary in groups]
    p = share_of_subsets(values, 13, sum(values[group] for group in active))
    # Of few values every subset can be listed.
    few = values[:12]
    sums = [sum(chosen) for chosen in itertools.combinations(few, 4)]
    for least in sums:
        listed = sum(one >= least for one in sums) / len(sums)
        assert abs(share_of_subsets(few, 4, least) - listed) < 1e-12
    print(json.dumps({
        "master": master.hex(), "epoch": epoch, "tenant": tenant,
        "openings": [[o, blake3.blake3(o.encode(), key=passages).digest()[0] & 63] for o in OPENINGS],
        "active": active, "cells": [[cell, key_stream(key, 2**24 + cell)] for cell in cells],
        "groups": groups, "ln_p": math.log(p),
    }))


if __name__ == "__main__":
    main()
