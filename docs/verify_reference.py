"""A reference verifier of marks that keep the law of their writer, for whoever doubts the other one.

    guilloche verify --keys mark.keys --ledger mark.ledger --suspect answers.jsonl --cells cells.jsonl
    python3 verify_reference.py cells.jsonl

Written from the formulas of docs/evidence.md, not from the program. It reads what the program exported: for
each test the cells of the text with their places, and for the cells of the tested key its uniform and its
coin. It works out p anew and says where the program differs by more than 1e-9 in the logarithm; and the
effect and the least effect, which may differ by 1e-6 and by a thousandth; and, of an epoch with canaries, whether the
text holds answers as they were sent.
Needs numpy; exit status 1 if anything differs.
"""
import json
import math
import struct
import sys

import numpy as np

SHARES = (0.9, 0.3, 0.08)
TILTS = 0.04 * 1.2 ** np.arange(26)
# E over a normal law of deviation 1/2, by Gauss and Hermite's rule with seven nodes.
_nodes, _weights = np.polynomial.hermite_e.hermegauss(7)
NOISE, NOISE_WEIGHTS = 0.5 * _nodes, _weights / _weights.sum()
TWO_32 = 2.0**32


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def threshold(log_odds):
    """A uniform below this has the second variant; log-odds in hundredths."""
    return int(sigmoid(0.8 * log_odds / 100) * TWO_32)


def habit(places):
    """By how much a class's log-odds differ in this text, with a normal prior of deviation 1."""
    l = np.array([p[0] for p in places]) / 100
    n, ones = np.array([p[1] + p[2] for p in places]), np.array([p[2] for p in places])
    low, high = -40.0, 40.0     # the slope falls: bisection
    for _ in range(200):
        middle = (low + high) / 2
        if np.sum(ones - n * sigmoid(l + middle)) - middle > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def merged(places):
    """Places of one cell by ascending log-odds, those of all groups together."""
    at = {}
    for log_odds, zeros, ones in places:
        z, o = at.get(log_odds, (0, 0))
        at[log_odds] = (z + zeros, o + ones)
    return [(l, z, o) for l, (z, o) in sorted(at.items())]


def cell_scores(places, alpha, share):
    """The ends of the intervals, their widths, and S in each of them."""
    ends = [threshold(l) for l, _, _ in places]
    widths = np.diff(np.array([0.0] + ends + [TWO_32])) / TWO_32
    several = sum(z + o for _, z, o in places) > 1
    noise, weights = (NOISE, NOISE_WEIGHTS) if several else (np.zeros(1), np.ones(1))
    likelihood = np.zeros((len(noise), len(widths)))
    for n, (log_odds, zeros, ones) in enumerate(places):
        b = sigmoid(log_odds / 100 + alpha + noise)
        # Up to the n-th interval the uniform is below the threshold: the second variant.
        second = ones * np.log((1 - share) * b + share) + zeros * np.log((1 - share) * (1 - b))
        first = ones * np.log((1 - share) * b) + zeros * np.log((1 - share) * (1 - b) + share)
        for interval in range(len(widths)):
            likelihood[:, interval] += second if interval <= n else first
    most = likelihood.max()
    ln_l = np.log(weights @ np.exp(likelihood - most)) + most
    top = ln_l.max()
    return ends, widths, ln_l - (np.log(np.sum(widths * np.exp(ln_l - top))) + top)


def shares_by_coin(strengths):
    """In what share of the marked answers a cell with each coin carried the mark, in sixteenths."""
    carried = np.zeros(256)
    for strength, weight in strengths:
        carried[: round(min(max(strength, 0), 1) * 256)] += weight
    if carried[0] <= 0:
        return np.ones(256)
    return np.floor(carried / carried[0] * 16 + 0.5) / 16


def by_class(cells):
    classes = {}
    for cell, _, _, places in cells:
        classes.setdefault(cell // 64, []).extend(places)
    return classes


def effect(cells, carried):
    """The share of choices that follow the key, in cells that all marked answers carried. None if there are none."""
    classes, score, exposure = by_class(cells), 0.0, 0.0
    for cell, uniform, coin, places in cells:
        if uniform is None or carried[coin] < 1:
            continue
        others = list(classes[cell // 64])
        for place in places:
            others.remove(place)
        alpha, n = habit(others), sum(p[1] + p[2] for p in places)
        for log_odds, zeros, ones in places:
            drawn = threshold(log_odds) / TWO_32
            usual, follows = sigmoid(log_odds / 100 + alpha), float(uniform < threshold(log_odds))
            variance = drawn * (1 - drawn)
            surprise = (follows - drawn) / (variance * (1 + n * variance / 4))
            score += surprise * (ones - (zeros + ones) * usual)
            exposure += surprise * (zeros + ones) * (follows - usual)
    return score / exposure if exposure > 0 else None


def least_effect(cells, carried, level):
    """The least share of choices with which the totals to be expected come below the level."""
    classes = by_class(cells)
    alpha = {k: habit(places) for k, places in classes.items()}
    used, cumulants = [], np.zeros((len(SHARES), len(TILTS)))
    for cell, uniform, coin, places in cells:
        if uniform is None or carried[coin] <= 0:
            continue
        scored = [cell_scores(merged(places), alpha[cell // 64], q * carried[coin]) for q in SHARES]
        used.append((merged(places), alpha[cell // 64], carried[coin], [s for _, _, s in scored]))
        for row, (_, widths, s) in zip(cumulants, scored):
            row += np.log(np.exp(np.outer(TILTS, s)) @ widths)
    needed = np.min((cumulants - math.log(level / 3)) / TILTS, axis=1)

    def is_found(share):
        totals = np.zeros(len(SHARES))
        for places, habits, carries, scores in used:
            _, widths, density = cell_scores(places, habits, share * carries)
            totals += np.array(scores) @ (widths * np.exp(density))
        return bool(np.any(totals >= needed))

    if not is_found(0.995):
        return None
    low, high = 0.0, 0.995
    while high - low > 0.0005 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if is_found(middle) else (middle, high)
    return high


def verify(cells, carried, alpha=None):
    """`cells`: (cell, uniform or None, coin or None, places); `carried`: a share by coin. ln p and three scores."""
    alpha = alpha or {k: habit(places) for k, places in by_class(cells).items()}
    least, totals = 0.0, []
    for share in SHARES:
        total, cumulants = 0.0, np.zeros(len(TILTS))
        for cell, uniform, coin, places in cells:
            carries = carried[coin] if coin is not None else 0.0
            if uniform is None or carries <= 0:
                continue
            ends, widths, s = cell_scores(merged(places), alpha[cell // 64], share * carries)
            total += s[np.searchsorted(ends, uniform, side="right")]
            cumulants += np.log(np.exp(np.outer(TILTS, s)) @ widths)
        totals.append(total)
        least = min(least, float(np.min(cumulants - TILTS * total)))
    return min(least + math.log(3), 0.0), totals


def as_sent(cells, in_passages, active):
    """The cells, with the places of canary cells in active passages apart, under the canary's uniform."""
    apart = []
    for (cell, uniform, coin, places), (_, _, _, canary, passages) in zip(cells, in_passages):
        there = merged([(l, z, o) for l, group, z, o in passages if group in active])
        taken = {l: (z, o) for l, z, o in there}
        rest = [(l, z - taken.get(l, (0, 0))[0], o - taken.get(l, (0, 0))[1]) for l, z, o in merged(places)]
        apart += [(cell, uniform, coin, [p for p in rest if p[1] + p[2] > 0]), (cell, canary, coin, there)]
    return [row for row in apart if row[3]]


def share_of_subsets(values, size, least):
    """The share of the subsets of so many values that sum to at least this, with whole numbers of any length."""
    ways = [{0: 1}] + [{} for _ in range(size)]     # by size and sum
    for value in values:
        for taken in range(size, 0, -1):
            for total, number in ways[taken - 1].items():
                ways[taken][total + value] = ways[taken].get(total + value, 0) + number
    return sum(n for total, n in ways[size].items() if total >= least) / math.comb(len(values), size)


def scaled(values):
    """Large values in proportion, none beyond a thousand, rounded half away from zero."""
    step = -(-max(map(abs, values)) // 1000)
    return values if step <= 1 else [(abs(v) + step // 2) // step * (1 if v > 0 else -1) for v in values]


def copies(cells, carried, active):
    """Places as canary and otherwise in active groups and in others; ln p, and that of a whole copy."""
    groups = [[0, 0] for _ in range(64)]
    for cell, uniform, coin, canary, passages in cells:
        if canary is None or uniform is None or carried[coin] <= 0:
            continue
        for log_odds, group, zeros, ones in passages:
            here, usual = canary < threshold(log_odds), uniform < threshold(log_odds)
            if here != usual:
                groups[group][0] += ones if here else zeros
                groups[group][1] += zeros if here else ones
    places = [[sum(groups[g][side] for g in range(64) if (g in active) == kind) for side in (0, 1)]
              for kind in (True, False)]
    whole = [sum(group) * (1 if g in active else -1) for g, group in enumerate(groups)]
    ln_p = []
    for values in ([canary - usual for canary, usual in groups], whole):
        values = scaled(values)
        ln_p.append(math.log(share_of_subsets(values, len(active), sum(values[g] for g in active))))
    return places, ln_p


def rotate(x, n):
    return ((x << n) | (x >> (32 - n))) & 0xFFFFFFFF


def key_stream(key, word):
    """Word `word` of the ChaCha20 key stream of 32 bytes, nonce 0, 64-bit block counter from 0 (RFC 8439)."""
    block = word // 16
    state = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key))
    state += [block & 0xFFFFFFFF, block >> 32, 0, 0]
    x = state[:]
    rounds = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
    rounds += [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for _ in range(10):
        for a, b, c, d in rounds:
            for first, second, third, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[first] = (x[first] + x[second]) & 0xFFFFFFFF
                x[third] = rotate(x[third] ^ x[first], turn)
    return (x[word % 16] + state[word % 16]) & 0xFFFFFFFF


def uniform_and_coin(key, cell):
    """What a key's stream says of a cell."""
    word = key_stream(key, 2**24 + cell // 4)
    return key_stream(key, cell), word >> (cell % 4 * 8) & 255


def main():
    tests, canaries, differs = [], [], 0
    for line in open(sys.argv[1]):
        row = json.loads(line)
        if "test" in row:
            tests.append((row, []))
            canaries.append([])
        else:
            canaries[-1].append((row["cell"], row["uniform"], row["coin"], row.get("canary"), row.get("passages", [])))
            tests[-1][1].append((row["cell"], row["uniform"], row["coin"], row["places"]))
    for (test, cells), in_passages in zip(tests, canaries):
        ln_p, totals = verify(cells, test["carried"])
        if "copies" in test:    # read in two ways
            alpha = {k: habit(places) for k, places in by_class(cells).items()}
            sent = as_sent(cells, in_passages, set(test["copies"]["active"]))
            ln_p = min(min(ln_p, verify(sent, test["carried"], alpha)[0]) + math.log(2), 0.0)
        off = abs(ln_p - test["ln_p"])
        wrong = off > 1e-9 * max(1.0, abs(ln_p))
        level = test["level"]
        least = least_effect(cells, test["carried"], level) if level else None
        for name, found, near in (("effect", effect(cells, test["carried"]), 1e-6), ("least_effect", least, 1e-3)):
            told = test[name]
            if (found is None) != (told is None) or found is not None and abs(found - told) > near:
                wrong = True
                print(f"{test['test']}, epoch {test['epoch']}: {name} {found}, told {told}")
        told = test.get("copies")
        if told:
            places, (p, whole) = copies(in_passages, test["carried"], set(told["active"]))
            far = max(abs(p - told["ln_p"]), abs(whole - told["ln_p_of_copy"])) > 1e-9
            wrong = wrong or far or places != told["places"] or len(set(told["active"])) != 13
            print(f"{test['test']}, epoch {test['epoch']}: canaries {places}, log10 p = {p / math.log(10):.6f} as sent")
        differs += wrong
        used = sum(uniform is not None for _, uniform, _, _ in cells)
        print(f"{test['test']}, epoch {test['epoch']}: {used} of {len(cells)} cells, "
              f"log10 p = {ln_p / math.log(10):.6f}, off by {off:.1e}{' DIFFERS' if wrong else ''}")
    sys.exit(differs > 0)


if __name__ == "__main__":
    main()
