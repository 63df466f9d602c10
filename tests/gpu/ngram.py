"""A student that needs no GPU: a model of four-grams that has learned from harvested answers, and writes.

    python ngram.py OUT WORDS KIND...     KIND.ngram.jsonl, of about so many words

OUT and the kinds are those of student.py. The next token is drawn from what followed the last three, or, with the
probability that Witten and Bell (1991) give to what has not been seen there, from what followed the last two, and so on.
"""

import json
import pathlib
import re
import sys

import numpy

CONTEXT, STREAMS, LONGEST = 3, 2_048, 600
TOKEN = re.compile(r"[ ]?[\w'’-]+|[ ]?[^\w\s]+|\s")
END = 0


def texts(out, kind):
    rows = {kind: [json.loads(line)["output"] for line in (out / f"{kind}.jsonl").open()] for kind in ("marked", "plain")}
    if kind == "quarter":
        # Harvesters take turns, so four in a row are one answer of each.
        return [rows["plain" if at // 4 % 4 else "marked"][at] for at in range(len(rows["plain"]))]
    return rows[kind]


class Student:
    def __init__(self, texts):
        numbers = {"": END}
        ids = [END] * CONTEXT
        for text in texts:
            ids.extend(numbers.setdefault(token, len(numbers)) for token in TOKEN.findall(text))
            ids.extend([END] * CONTEXT)
        self.words = list(numbers)
        ids = numpy.array(ids, dtype=numpy.int32)
        at = numpy.arange(CONTEXT, len(ids))
        at = at[(ids[at] != END) | (ids[at - 1] != END)]
        self.unigrams = ids[at]
        self.orders = []
        for length in range(CONTEXT, 0, -1):
            keys = key([ids[at - back] for back in range(1, length + 1)])
            order = numpy.lexsort((self.unigrams, keys))
            keys, following = keys[order], self.unigrams[order]
            first = numpy.ones(len(keys), dtype=bool)
            first[1:] = (keys[1:] != keys[:-1]) | (following[1:] != following[:-1])
            kinds = numpy.concatenate([[0], numpy.cumsum(first, dtype=numpy.int32)])
            self.orders.append((length, keys, following, kinds))

    def next(self, last, random):
        """One token for each stream, whose last tokens are the columns of `last`, the latest first."""
        chosen = self.unigrams[random.integers(len(self.unigrams), size=last.shape[1])]
        open_ = numpy.arange(last.shape[1])
        for length, keys, following, kinds in self.orders:
            wanted = key(last[:length, open_])
            low, high = numpy.searchsorted(keys, wanted), numpy.searchsorted(keys, wanted, side="right")
            seen, different = high - low, kinds[high] - kinds[low]
            here = random.random(len(open_)) * (seen + different) < seen
            place = low + (random.random(len(open_)) * seen).astype(numpy.int64)
            chosen[open_[here]] = following[place[here]]
            open_ = open_[~here]
        return chosen

    def answers(self, random):
        last = numpy.full((CONTEXT, STREAMS), END, dtype=numpy.int32)
        told, done = [[] for _ in range(STREAMS)], numpy.zeros(STREAMS, dtype=bool)
        for _ in range(LONGEST):
            chosen = self.next(last, random)
            done |= chosen == END
            if done.all():
                break
            for stream in numpy.flatnonzero(~done):
                told[stream].append(self.words[chosen[stream]])
            last = numpy.concatenate([chosen[None], last[:-1]])
        return ["".join(tokens) for tokens in told]


def key(tokens):
    """One number of 64 bits for a context."""
    mixed = numpy.zeros(len(tokens[0]), dtype=numpy.uint64)
    for token in tokens:
        mixed = (mixed ^ token.astype(numpy.uint64)) * numpy.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> numpy.uint64(29)
    return mixed


def recited(answers, learned):
    """The share of stretches of eight words that stand so in what was learned from."""
    stretches = lambda text: (" ".join(words[at : at + 8]) for words in [text.split()] for at in range(len(words) - 7))
    wanted = [stretch for answer in answers[:500] for stretch in stretches(answer)]
    known = {hash(stretch) for text in learned for stretch in stretches(text)}
    return sum(hash(stretch) in known for stretch in wanted) / max(1, len(wanted))


def main():
    out, words, kinds = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    for kind in kinds:
        learned = texts(out, kind)
        student, random, count, answers = Student(learned), numpy.random.default_rng(1), 0, []
        while count < words:
            told = student.answers(random)
            answers.extend(told)
            count += sum(len(answer.split()) for answer in told)
        with (out / f"{kind}.ngram.jsonl").open("w") as file:
            file.writelines(json.dumps({"output": answer}) + "\n" for answer in answers)
        print(f"{kind}: {len(student.unigrams)} tokens learned from, {len(answers)} answers, {count} words, "
              f"{recited(answers, learned):.1%} of stretches of eight words recited", flush=True)


if __name__ == "__main__":
    main()
