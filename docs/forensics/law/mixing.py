"""How many answers mix both ways of writing, before and after they are marked.

    python3 mixing.py classes.tsv SITES ANSWERS MODEL...

SITES as attack.py has them, and edits/MODEL.KEY.jsonl; ANSWERS has MODEL.jsonl. An answer mixes contractions if it has
one and the words for one, anywhere outside code; told is the share of the answers that have two such places or more.
It mixes regional forms if it has both variants of any two classes at its sites, and others if it has both of one class;
told is the share of the answers that have two sites or more of the kind, or of one class.
"""
import json
import os
import re
import sys
from collections import defaultdict

from fit import kinds

SHORT = re.compile(r"\b(?:\w+n['’]t|(?:i|you|we|they|he|she|it)['’](?:re|ve|ll|m|d)|(?:it|that|there|here|what|who|he|she)['’]s)\b", re.I)
FULL = re.compile(
    r"\b(?:(?:do|does|did|is|are|was|were|has|have|had|could|would|should|will) not|cannot|(?:it|that|there|here|what|who|he|she) is"
    r"|(?:they|you|we) are|i am|(?:i|you|we|they) have|(?:i|you|we|they|he|she|it) will|(?:i|you|we|they) would)\b", re.I)
CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.S)


def edited(text, edits):
    text, out, at = text.encode(), [], 0
    for start, removed, new in edits:
        out += [text[at:start], new.encode()]
        at = start + removed
    return b"".join(out + [text[at:]]).decode()


def contractions(texts):
    mixed = of = 0
    for text in texts:
        text = CODE.sub(" ", text)
        short, full = len(SHORT.findall(text)), len(FULL.findall(text))
        if short + full > 1:
            of, mixed = of + 1, mixed + (short > 0 < full)
    return mixed / of, of


def shares(paths, kind):
    mixed, of = defaultdict(int), defaultdict(int)
    for path in paths:
        for line in open(path):
            seen = defaultdict(list)
            for k, _, x in json.loads(line)["sites"]:
                g = kind[k]
                if g == "regional":
                    seen[g, 0].append(x)
                elif g in ("compound", "spelling", "pronoun"):
                    seen[g, k].append(x)
            for g in {g for (g, _), xs in seen.items() if len(xs) > 1}:
                of[g] += 1
                mixed[g] += any(len(set(xs)) > 1 for (h, _), xs in seen.items() if h == g)
    return {g: (mixed[g] / of[g], of[g]) for g in of}


def main():
    lexicon, folder, answers, *names = sys.argv[1:]
    kind = kinds(lexicon)
    keys = sorted({f.split(".")[-2] for f in os.listdir(folder) if ".law." in f})
    written, marked = [], []
    for m in names:
        texts = [json.loads(line)["output"] for line in open(f"{answers}/{m}.jsonl")]
        written += texts
        for key in keys:
            rows = [json.loads(line)["sites"] for line in open(f"{folder}/edits/{m}.{key}.jsonl")]
            marked += [edited(text, edits) for text, edits in zip(texts, rows)]
    before = shares([f"{folder}/{m}.plain.jsonl" for m in names], kind)
    after = shares([f"{folder}/{m}.law.{key}.jsonl" for m in names for key in keys], kind)
    before["contraction"], after["contraction"] = contractions(written), contractions(marked)
    for g in sorted(before):
        print(f"{g}\tbefore {before[g][0]:.3f} of {before[g][1]}\tafter {after[g][0]:.3f} of {after[g][1]}")


if __name__ == "__main__":
    main()
