"""A proxy in front of a real server: how it is configured, started and asked."""

import base64
import collections
import json
import os
import re
import subprocess
import time
import urllib.request
from pathlib import Path

LEXICON = Path(__file__).resolve().parents[2] / "src/mark/lexicon/classes.tsv"
PORT, ADMIN = 18092, 18093
# What the model of `make_reasoner.py` says. None of these words is part of another.
REASONING_WORDS = """
aardvark abalone acacia albatross alpaca anemone antelope apricot badger bamboo barnacle beaver begonia
bobcat buffalo bullfrog cactus canary caribou catfish cheetah chinchilla cicada clover condor cormorant
coyote cricket crocus cuckoo cypress daffodil dahlia dolphin dragonfly falcon fennel ferret flamingo gazelle
gibbon giraffe goldfinch gopher grouse hamster hedgehog hibiscus hornet iguana impala jackal jaguar jasmine
juniper kestrel kingfisher lavender leopard limpet lobster magnolia magpie mallard manatee mantis marigold
marmot meerkat mongoose narwhal nettle nightingale ocelot orchid oriole osprey ostrich oyster panther
parsnip peacock pelican penguin petunia pheasant platypus plover porcupine possum primrose puffin quokka
raccoon reindeer rhubarb salamander sardine scorpion seahorse sequoia sparrow squirrel starling stingray
sturgeon swallow tadpole tamarin tarantula termite thistle toucan turtle vulture wallaby walnut walrus
warbler weasel willow wolverine wombat yarrow zinnia
""".split()
ANSWER_WORDS = """
adjust anchor answer arrange balance basket begin border bottle branch bridge bright bucket button carpet
castle ceiling center chapter circle clerk closet collar column corner cotton counter create curtain decade
deliver detail dinner doctor double drawer driver engine escape evening fabric factor finger finish flavor
folder follow formal garage garden gather gentle harbor height hollow honest island jacket kettle ladder
layer leather letter level listen manner marble margin market matter measure member mirror moment motion
museum narrow number object office orange output oven packet palace parcel pencil people pepper picture
pillow planet pocket polish powder prepare product profit public purple quarter random record region remain
repair report result ribbon river rocket rubber sample school season second secret select senior settle
shadow shelf signal silver simple single socket spring square stable station stream street student subject
summer supply switch symbol table tailor target temple thread ticket timber tissue tomato tower travel
tunnel twelve uniform valley velvet vessel village volume wagon window winter wonder writer yellow
""".split()
MARKING = """version = 1
name = "marking"
mode = "enforce"
[[grade]]
name = "marked"
at = 0.5
watermark = {}
"""


def words(raw, listed):
    """Which of the words are in these bytes, plain, in base64, or cut into the texts of events."""
    coded = re.findall(rb"[A-Za-z0-9+/_-]{16,}", raw)
    whole = [it[: len(it) - len(it) % 4] for it in coded]
    decoded = [base64.urlsafe_b64decode(it.replace(b"+", b"-").replace(b"/", b"_")) for it in whole]
    texts = [raw, *decoded, b"".join(re.findall(rb'"((?:[^"\\]|\\.)*)"', raw))]
    text = b"\n".join(texts).decode(errors="replace").lower()
    return sorted({word for word in listed if word in text})


def call(port, path, body=None, headers=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        None if body is None else json.dumps(body).encode(),
        {"content-type": "application/json", **(headers or {})},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read())


def until(condition, what, tries=300):
    for _ in range(tries):
        try:
            found = condition()
            if found:
                return found
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"never: {what}")


def pairs():
    """The other word of each word that is alone in its form of a class."""
    other = {}
    for line in LEXICON.read_text(encoding="utf-8").splitlines():
        fields = line.split("\t")
        if line.startswith("#") or len(fields) < 4:
            continue
        for one, two in zip(fields[2].split("|"), fields[3].split("|")):
            if one.isalpha() and two.isalpha() and one not in other and two not in other:
                other[one], other[two] = two, one
    return other


def agreement(answers, other):
    half, counts = len(answers) // 2, [collections.Counter(), collections.Counter()]
    for index, text in enumerate(answers):
        counts[index >= half].update(w for w in re.findall(r"[A-Za-z]+", text.lower()) if w in other)
    agreed = total = 0
    for word in other:
        if counts[0][word] > counts[0][other[word]]:
            agreed += counts[1][word]
            total += counts[1][word] + counts[1][other[word]]
    return agreed, total


def risk(account):
    now = int(time.time())
    claim = f'account="{account}", score=0.9, confidence=1.0, issued={now}, ttl=300'
    return {"guilloche-risk": claim}


def proxy(guilloche, directory, upstream, marks="", policy=MARKING, kind="custom"):
    """Starts `guilloche serve`, which takes risks from its peer; `marks` are lines of `[marks]`."""
    (directory / "policy.toml").write_text(policy)
    keys, ledger = directory / "mark.keys", directory / "mark.ledger"
    if not keys.exists():
        subprocess.run([guilloche, "keys", "new", "--keys", keys, "--ledger", ledger], check=True)
    (directory / "guilloche.toml").write_text(f"""
[listen]
address = "127.0.0.1:{PORT}"
[admin]
address = "127.0.0.1:{ADMIN}"
[upstream]
url = "{upstream}"
kind = "{kind}"
[risk]
trust = "peer"
[policy]
file = "{directory}/policy.toml"
[marks]
keys = "{keys}"
ledger = "{ledger}"
{marks}
""")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GUILLOCHE")}
    return subprocess.Popen([guilloche, "serve", "--config", directory / "guilloche.toml"], env=environment)


def trials():
    """What the proxy found out of its first carrier."""
    return until(
        lambda: (s := call(ADMIN, "/status")["carriers"][0])["proof"] != "open" and s, "the trial ends"
    )


def said(body, headers):
    return call(PORT, "/v1/chat/completions", body, headers)["choices"][0]["message"]["content"]
