"""Draws substitutions for a blind reading, and tells what the readers said.

    python3 reading.py draw COUNT SEED ANSWERS EDITS OUT MODEL...
    python3 reading.py tell OUT JUDGEMENTS.tsv > judgements.tsv

ANSWERS has MODEL.jsonl with the text in `output`, EDITS has MODEL.jsonl as `mark_sites edits KEY` writes it. OUT.txt is for
the reader: each row has a passage twice, as its author wrote it and with one substitution, in random order; OUT.key.tsv says
which is which. The passage is the sentence with the one before. Substitutions that come with it (a spelling that is kept up, a word that is
put in the place of the one it would repeat) are in the passage too. JUDGEMENTS.tsv has, without a header, `number`, one of
fine, A-odd, B-odd, A-wrong, B-wrong, meaning, both, and a reason.
"""
import json
import random
import re
import sys
from collections import Counter

END = re.compile(r"[.!?][\"”)*]*\s+(?=[A-Z\"“(*])|\n+")


def stem(phrase):
    return {word[:5].lower() for word in re.findall(r"\w+", phrase)}


def belongs(edit, other):
    """Whether a substitution follows from another: the same again, or the other way round."""
    (_, old, new), (_, was, now) = edit, other
    return stem(old) & stem(was) and stem(new) & stem(now) or stem(old) & stem(now) and stem(new) & stem(was)


def passage(text, edits, at):
    chosen = edits[at]
    start, end = chosen[0], chosen[0] + len(chosen[1])
    ends = [0] + [m.end() for m in END.finditer(text)] + [len(text)]
    before = [e for e in ends if e <= start]
    # A line of its own, such as an item, is read with what leads to it.
    left = before[-2] if len(before) > 1 and start - before[-2] < 400 else before[-1]
    right = min(e for e in ends if e >= end)
    left, right = max(left, start - 500), min(right, end + 400)
    made, to = [], left
    for e in edits:
        if left <= e[0] and e[0] + len(e[1]) <= right and (e is chosen or belongs(chosen, e)):
            made += [text[to:e[0]], e[2]]
            to = e[0] + len(e[1])
    flat = lambda s: re.sub(r"\s*\n\s*", " / ", s.strip())
    return flat(text[left:right]), flat("".join(made) + text[to:right])


def draw(count, seed, answers, edits, out, *models):
    random.seed(int(seed))
    found = []
    for m in models:
        for line, row in zip(open(f"{answers}/{m}.jsonl"), open(f"{edits}/{m}.jsonl")):
            raw, of = json.loads(line)["output"].encode(), json.loads(row)["sites"]
            text = raw.decode()
            place = lambda at: len(raw[:at].decode())
            of = [(place(at), raw[at:at + n].decode(), new) for at, n, new in of]
            found += [(m, text, of, k) for k in range(len(of))]
    rows = random.sample(found, int(count))
    with open(out + ".txt", "w") as reader, open(out + ".key.tsv", "w") as key:
        print("number\tmodel\tmarked\told\tnew", file=key)
        for number, (m, text, of, k) in enumerate(rows, 1):
            pair, first = passage(text, of, k), random.random() < 0.5
            a, b = pair if first else pair[::-1]
            print(f"{number}\nA: {a}\nB: {b}\n", file=reader)
            print(f"{number}\t{m}\t{'B' if first else 'A'}\t{of[k][1]}\t{of[k][2]}", file=key)
    print(f"{len(found)} substitutions, {len(rows)} drawn")


def tell(out, judgements):
    key = {row[0]: row for row in (line.rstrip("\n").split("\t") for line in open(out + ".key.tsv"))}
    print("number\tmodel\tjudgement\treason")
    count = Counter()
    for line in open(judgements):
        number, said, *reason = line.rstrip("\n").split("\t")
        _, model, marked, *_ = key[number]
        side, _, what = said.partition("-")
        told = said if not what else ("marked-" if side == marked else "original-") + what
        count[told] += 1
        print(f"{number}\t{model}\t{told}\t{' '.join(reason)}")
    print(dict(count), file=sys.stderr)


if __name__ == "__main__":
    {"draw": draw, "tell": tell}[sys.argv[1]](*sys.argv[2:])
