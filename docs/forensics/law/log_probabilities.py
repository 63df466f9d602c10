"""Whether a reader without the key tells more if a language model tells it how likely every variant is where it stands.

    pip install numpy blake3 gguf tokenizers
    python3 log_probabilities.py score MARK_SITES MODEL.gguf ANSWERS SITES KNOWN.jsonl COUNT MODELS...
    python3 log_probabilities.py attack MARK_SITES ANSWERS SITES KNOWN.jsonl COUNT classes.tsv rates.tsv MODELS...

As attack.py, on those answers of its two last quarters that have been scored: all of 500 to 1,200 words, and COUNT others of each
quarter of each model. `score` asks the model for the log-probability of both variants of every site, each with about 50 characters
behind it, after the 200 before it, in the answers as they are and under the marks of SITES/edits/MODEL.KEY.jsonl; it adds to
KNOWN.jsonl and may be stopped. `attack` trains on one quarter and three keys and asks about the other and the fourth, each
key and quarter in turn. Told are areas under the curve, of the best of three detectors with and without the model, with
intervals of 95 % by a bootstrap over answers (for sets of twenty: over the quarters of models), and of the difference.
"""
import itertools
import json
import math
import os
import random
import subprocess
import sys
import tempfile
from typing import NamedTuple

import numpy as np

from attack import Model, auc, by_class, logistic, read_rates, summary
from fit import kinds, own, sigmoid
from mixing import edited

BEFORE, BEHIND = 200, 50
KEYS = ("1", "2", "3", "4")
BATCH = 16


def window(text, at, length, other):
    """The text around a site, what stands there and what might."""
    data = text.encode()
    before, here, behind = (part.decode() for part in (data[:at], data[at:at + length], data[at + length:]))
    if len(before) > BEFORE:
        before = before[-BEFORE:].split(" ", 1)[-1]
    if len(behind) > BEHIND:
        behind = behind[:BEHIND].rsplit(" ", 1)[0]
    return before, here, other, behind or "\n"


def question(found):
    """A window, whichever of the two stands there."""
    before, here, other, behind = found
    return before, *sorted((here, other)), behind


class Answer:
    """An answer of a model: sites and windows as it is, and under each key."""

    def __init__(self, model, number, words):
        self.model, self.number, self.words, self.told, self.places = model, number, words, {}, {}

    def quarter(self):
        return int(self.number >= 3 * 805 // 4)


def answers(program, folder, sites, models):
    for model in models:
        texts = [json.loads(line)["output"] for line in open(f"{folder}/{model}.jsonl")]
        first = len(texts) // 2
        found = [Answer(model, n, len(texts[n].split())) for n in range(first, len(texts))]
        for key in (None, *KEYS):
            written = texts
            if key:
                edits = [json.loads(line)["sites"] for line in open(f"{sites}/edits/{model}.{key}.jsonl")]
                written = [edited(text, edit) for text, edit in zip(texts, edits)]
            with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
                for text in written[first:]:
                    print(json.dumps({"output": text}), file=file)
                file.flush()
                told = subprocess.run([program, "variants", file.name], capture_output=True, check=True, text=True).stdout
            for answer, text, line in zip(found, written[first:], told.splitlines()):
                answer.told[key] = [(k, w, x, len(text[:at].split()) < 150, window(text, at, *rest))
                                    for k, w, x, at, *rest in json.loads(line)["sites"]]
        yield from found


def is_long(answer):
    return 500 <= answer.words <= 1200


def in_turn(everything, count):
    """Long answers first, then of each quarter of each model as many others, drawn."""
    random.seed(7)
    others = {}
    for answer in everything:
        if not is_long(answer):
            others.setdefault((answer.model, answer.quarter()), []).append(answer)
    for some in others.values():
        random.shuffle(some)
    return [a for a in everything if is_long(a)] + [some[n] for n in range(count) for some in others.values() if n < len(some)]


def known(path):
    rows = (json.loads(line) for line in open(path)) if os.path.exists(path) else ()
    return {tuple(row[:4]): (row[4], row[5]) for row in rows}


def score(program, path, folder, sites, out, count, *models):
    from language_model import LanguageModel
    model, had, asked = LanguageModel(path), known(out), {}
    for answer in in_turn(list(answers(program, folder, sites, models)), int(count)):
        for told in answer.told.values():
            asked.update((question(site[-1]), None) for site in told if question(site[-1]) not in had)
    asked = list(asked)
    print(f"{len(asked)} windows to score, {len(had)} scored", flush=True)
    with open(out, "a") as file:
        for start in range(0, len(asked), 8 * BATCH):
            windows = []
            for asks in asked[start:start + 8 * BATCH]:
                before, a, b, behind = asks
                ways = [model.tokens(before + form + behind) for form in (a, b)]
                same = next(n for n in range(10_000) if ways[0][n:n + 1] != ways[1][n:n + 1])
                windows.append((asks, ways[0][:same], [way[same:] for way in ways]))
            windows.sort(key=lambda w: len(w[1]) + len(w[2][0]) + len(w[2][1]))
            for at in range(0, len(windows), BATCH):
                batch = windows[at:at + BATCH]
                for (asks, *_), found in zip(batch, model.continuations([w[1:] for w in batch])):
                    print(json.dumps([*asks, *(round(float(p), 3) for p in found)]), file=file)
            file.flush()
            print(start + len(windows), flush=True)


class AsGiven:
    """A model in the sense of attack.py of sites that come with what was expected."""

    expected = staticmethod(iter)


class Place(NamedTuple):
    """A site, with the probability of the second variant by the rates of its author and by those of a writer of marks,
    and its log-odds by the language model."""

    k: int
    w: str
    g: str
    x: int
    p: float
    marked: float
    d: float
    early: bool


class Reader:
    """What combines rates and language model: a logistic regression on unmarked answers."""

    def __init__(self, places):
        sums = {}
        for place in places:
            sums.setdefault(place.k, []).append(place.d)
        self.usual = {k: sum(ds) / (len(ds) + 1) for k, ds in sums.items()}
        f, x = np.array([self.features(place) for place in places]), np.array([place.x for place in places])
        self.by = logistic(f, x, 1.0)
        loss = lambda q: -np.mean(np.log(np.where(x, q, 1 - q)))
        print(f"{len(places)} sites take {loss(np.array([place.p for place in places])):.3f} nats each by rates, "
              f"{loss(1 / (1 + np.exp(-f @ self.by))):.3f} with the model; weights {np.round(self.by, 2)}", flush=True)

    def features(self, place):
        return [math.log(place.p / (1 - place.p)), place.d, self.usual.get(place.k, 0), 1]

    def expects(self, place):
        return min(max(sigmoid(float(np.dot(self.features(place), self.by))), 0.002), 0.998)

    def likelihoods(self, places):
        """How much likelier the author is to have written this than a mark is: by rates alone, and with the language model."""
        f = np.zeros(3)
        for place in places:
            of = lambda p: math.log(p if place.x else 1 - p)
            f += of(place.p) - of(place.marked), of(self.expects(place)) - of(place.marked), 1
        return f

    def leaning(self, places):
        """By how much the language model prefers what stands there: sum, least, beyond what is usual of the class."""
        prefer = [place.d if place.x else -place.d for place in places] or [0.0]
        beyond = [(place.d - self.usual.get(place.k, 0)) * (1 if place.x else -1) for place in places] or [0.0]
        return [sum(prefer), np.mean(prefer), min(prefer), sum(p < 0 for p in prefer), sum(beyond), np.mean(beyond), min(beyond)]

    def views(self, chosen, column):
        """What each detector sees: three without the language model, three with it."""
        by_rates = [[(s.k, s.w, s.g, s.x, s.p) for s in places] for places in chosen]
        by_both = [[(s.k, s.w, s.g, s.x, self.expects(s)) for s in places] for places in chosen]
        all_places = [place for places in chosen for place in places]
        without, odds = summary(AsGiven, by_rates), self.likelihoods(all_places)
        return (without, by_class(AsGiven, by_rates, column), odds[[0, 2]],
                np.concatenate([without, summary(AsGiven, by_both), self.leaning(all_places), odds]),
                by_class(AsGiven, by_both, column), odds)


WEIGHTS = (1.0, 20.0, 1.0) * 2


def trained(train, test):
    """The scores of each detector for what it is asked."""
    scores, y = [], np.array([row[-1] for row in train])
    for which, weight in enumerate(WEIGHTS):
        f, g = (np.array([row[0][which] for row in part]) for part in (train, test))
        varies = f.std(0) > 0
        f, g = f[:, varies], g[:, varies]
        mean, deviation = f.mean(0), f.std(0)
        add = lambda m: np.hstack([np.clip((m - mean) / deviation, -6, 6), np.ones((len(m), 1))])
        scores.append(add(g) @ logistic(add(f), y, weight))
    return np.array(scores)


def mean_auc(fits, which, count=None):
    """Over the fits; `count` has how often each cluster was drawn."""
    areas = []
    for scores, y, clusters in fits:
        at = np.repeat(np.arange(len(y)), count[clusters]) if count is not None else np.arange(len(y))
        if 0 < y[at].sum() < len(at):
            areas.append(auc(scores[which][at], y[at]))
    return np.mean(areas)


def fits_of(what, scored, readers, column):
    models = sorted({answer.model for answer in scored})
    clusters, rows = {}, {}
    for quarter in (0, 1):
        random.seed(3 + quarter)
        groups = []
        for m in models:
            of = [a for a in scored if a.model == m and a.quarter() == quarter]
            if what == "20":
                of = [a for a in of if not is_long(a)]
                groups += [((m, quarter), random.sample(of, 20)) for _ in range(60) if len(of) >= 20]
            else:
                groups += [((m, a.number), [a]) for a in of if what == "150" or is_long(a)]
        for key in (None, *KEYS):
            rows[quarter, key] = found = []
            for name, group in groups:
                chosen = [[place for place in a.places[key] if place.early or what != "150"] for a in group]
                cluster = clusters.setdefault(name, len(clusters))
                # Both quarters are read by what was learned of either.
                found.append(([reader.views(chosen, column) for reader in readers], cluster))
    fits = []
    for asked in (0, 1):
        learned = 1 - asked
        part = lambda quarter, key, y: [(seen[learned], cluster, y) for seen, cluster in rows[quarter, key]]
        for key in KEYS:
            train = [row for other in KEYS if other != key for row in part(learned, None, 0) + part(learned, other, 1)]
            test = part(asked, None, 0) + part(asked, key, 1)
            fits.append((trained(train, test), np.array([row[-1] for row in test]), np.array([row[1] for row in test])))
    return fits, len(clusters), sum(len(fit[1]) for fit in fits) // (2 * len(KEYS))


def places(answer, author, writer, had):
    """Of an answer as it is and under each key."""
    for key, told in answer.told.items():
        sites = [site[:3] for site in told]
        expected = zip(author.expected(sites), writer.expected(sites), [site for site in told if site[0] in author.rate])
        answer.places[key] = found = []
        for (k, w, g, x, p), (*_, marked), (*_, early, asked) in expected:
            of = dict(zip(question(asked)[1:3], had[question(asked)]))
            here, other = (of[form] for form in asked[1:3])
            found.append(Place(k, w, g, x, p, marked, min(max((here - other) * (1 if x else -1), -8), 8), early))


def attack(program, folder, sites, path, count, lexicon, rates, *models):
    had, kind = known(path), kinds(lexicon)
    table, words, constants = read_rates(rates)
    column = {k: n for n, k in enumerate(sorted(table))}
    writer, authors = Model(table, words, constants, kind), {}
    for m in models:
        answered = [json.loads(line)["sites"] for line in open(f"{sites}/{m}.plain.jsonl")]
        authors[m] = Model(own(answered[:len(answered) // 2], table), words, constants, kind)
    is_scored = lambda answer: all(question(site[-1]) in had for told in answer.told.values() for site in told)
    scored = list(itertools.takewhile(is_scored, in_turn(list(answers(program, folder, sites, models)), int(count))))
    for answer in scored:
        places(answer, authors[answer.model], writer, had)
    print(f"{len(scored)} answers, {sum(map(is_long, scored))} of them long, {len(had)} windows", flush=True)
    readers = [Reader([s for a in scored if a.quarter() == quarter for s in a.places[None]]) for quarter in (0, 1)]
    print("what\tanswers or sets\twithout\twith\tdifference")
    for what in ("150", "800", "20"):
        fits, count, asked = fits_of(what, scored, readers, column)
        areas = [mean_auc(fits, which) for which in range(6)]
        without, with_it = int(np.argmax(areas[:3])), 3 + int(np.argmax(areas[3:]))
        source, drawn = np.random.default_rng(5), []
        for _ in range(400):
            times = np.bincount(source.integers(0, count, count), minlength=count)
            drawn.append([mean_auc(fits, which, times) for which in (without, with_it)])
        drawn = np.array(drawn)
        said = lambda value, of: f"{value:.3f} ({np.quantile(of, 0.025):.3f} to {np.quantile(of, 0.975):.3f})"
        print(f"{what}\t{asked}\t{said(areas[without], drawn[:, 0])}\t{said(areas[with_it], drawn[:, 1])}\t"
              f"{said(areas[with_it] - areas[without], drawn[:, 1] - drawn[:, 0])}\t{[round(float(a), 3) for a in areas]}", flush=True)


if __name__ == "__main__":
    {"score": score, "attack": attack}[sys.argv[1]](*sys.argv[2:])
