"""Makes the vectors of `tests/policy_simulation.rs`, by other means than the program's.

    python3 tests/kat/make_simulation.py            # Python 3.11, standard library; writes simulation.json

- `binormal`: shares that reach a score, by `math.erfc` from the evidence at which the calibrated
  score, found by bisection of Bayes' rule, is reached.
- `labelled`: the two equations of Rogan and Gladen for each threshold, solved with fractions.
- `campaigns`: campaigns played request by request, account by account, with drawn evidence.
"""

import json
import math
import pathlib
import random
from fractions import Fraction
from statistics import NormalDist, fmean, stdev

HERE = pathlib.Path(__file__).parent
NORMAL = NormalDist()


def distance(auc):
    return math.sqrt(2) * NORMAL.inv_cdf(auc)


def score(evidence, auc, prevalence):
    d = distance(auc)
    harvest = prevalence * NormalDist(d, 1).pdf(evidence)
    return harvest / (harvest + (1 - prevalence) * NORMAL.pdf(evidence))


def evidence_of(threshold, auc, prevalence):
    low, high = -25.0, 25.0
    for _ in range(200):
        middle = (low + high) / 2
        if score(middle, auc, prevalence) < threshold:
            low = middle
        else:
            high = middle
    return high


def binormal():
    rows = []
    for auc in (0.7, 0.9, 0.99):
        for prevalence in (0.001, 0.05, 0.5):
            for threshold in (0.05, 0.3, 0.5, 0.9):
                evidence = evidence_of(threshold, auc, prevalence)
                # `NormalDist.cdf` of Python 3.11 loses the digits of small tails.
                tail = lambda shift: math.erfc((evidence - shift) / math.sqrt(2)) / 2
                rows.append({"auc": auc, "prevalence": prevalence, "threshold": threshold,
                             "fpr": tail(0.0), "tpr": tail(distance(auc))})
    return rows


def labelled():
    draw = random.Random(20261130)
    rows = []
    for sensitivity, specificity in ((Fraction(1), Fraction(1)), (Fraction(3, 5), Fraction(97, 100))):
        sample = []
        for _ in range(400):
            harvests = draw.random() < 0.3
            value = round(min(max(draw.gauss(0.7 if harvests else 0.3, 0.2), 0), 1), 2)
            named = draw.random() < (sensitivity if harvests else 1 - specificity)
            sample.append((value, named))
        n = len(sample)
        rate = Fraction(sum(named for _, named in sample), n)
        prevalence = (rate + specificity - 1) / (sensitivity + specificity - 1)
        reach = []
        for threshold in sorted({value for value, _ in sample}):
            a = Fraction(sum(named for value, named in sample if value >= threshold), n)
            b = Fraction(sum(not named for value, named in sample if value >= threshold), n)
            # [se π, (1-sp)(1-π); (1-se) π, sp (1-π)] [T; F] = [a; b], by Cramer's rule.
            p, q = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
            r, s = (1 - sensitivity) * prevalence, specificity * (1 - prevalence)
            determinant = p * s - q * r
            tpr, fpr = (a * s - q * b) / determinant, (p * b - a * r) / determinant
            inside = lambda share: min(max(share, 0), 1)
            tpr, fpr = inside(tpr), inside(fpr)
            if reach:
                tpr, fpr = min(tpr, reach[-1][1]), min(fpr, reach[-1][2])
            reach.append((threshold, tpr, fpr))
        rows.append({"sensitivity": float(sensitivity), "specificity": float(specificity),
                     "prevalence": float(prevalence), "sample": sample,
                     "reach": [[t, float(tpr), float(fpr)] for t, tpr, fpr in reach]})
    return rows


def campaigns():
    """Grades: 0.2 limits (6 requests an account, 16 a cluster, a day), 0.5 keeps 30 words, 0.8 refuses."""
    auc, prevalence, delay, tokens, per_day = 0.9, 0.3, 1, 100, 8
    thresholds = (0.2, 0.5, 0.8)
    d = distance(auc)
    draw = random.Random(7)

    def grade():
        value = score(draw.gauss(d, 1), auc, prevalence)
        return sum(value >= threshold for threshold in thresholds)

    def life(days, known_from, grade, linked):
        got = 0.0
        for day in range(days):
            answered = 0
            for _ in range(per_day):
                if day < known_from or grade == 0:
                    got += tokens
                elif grade == 1:
                    most = min(6, 16 / linked) if linked else 6
                    if answered < most:
                        got += tokens
                        answered += 1
                elif grade == 2:
                    got += 30 * 4 / 3
        return got

    rows = []
    for accounts, days, rotate, linked in ((10, 10, 3, 0.4), (6, 4, 4, 0.0), (4, 8, 2, 1.0)):
        together = round(accounts * linked)
        totals = []
        for _ in range(20_000):
            total, whole = 0.0, grade()
            total += together * life(days, delay, whole, together)
            for _ in range(accounts - together):
                left = days
                while left > 0:
                    total += life(min(rotate, left), delay, grade(), 0)
                    left -= rotate
            totals.append(total)
        rows.append({"accounts": accounts, "days": days, "rotate_after_days": rotate, "linked": linked,
                     "requests": accounts * days * per_day, "reasoning_tokens": tokens,
                     "mean": fmean(totals), "error": stdev(totals) / math.sqrt(len(totals)),
                     "deviation": stdev(totals)})
    return {"auc": auc, "prevalence": prevalence, "delay_days": delay, "rows": rows}


vectors = {"made_with": "Python's statistics, fractions and random", "binormal": binormal(),
           "labelled": labelled(), "campaigns": campaigns()}
text = json.dumps(vectors, separators=(",", ":"))
for name in ("binormal", "labelled", "campaigns", "rows"):
    text = text.replace(f'"{name}":', f'\n"{name}":')
(HERE / "simulation.json").write_text(text.replace("},{", "},\n{") + "\n")
