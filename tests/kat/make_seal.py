"""Known answers of sealed reasoning, made with other people's code.

The cipher is libsodium's (PyNaCl's crypto_aead_xchacha20poly1305_ietf_*), the hash is the
reference BLAKE3 (the `blake3` package); what is laid out around them is written anew from the
description in `src/countermeasure/seal/blob.rs`.

    pip install pynacl blake3 && python tests/kat/make_seal.py > tests/kat/seal.json
"""

import base64
import json
import struct
import sys

from blake3 import blake3
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as encrypt

MAGIC = base64.b64decode("hy3dlEhdpl31")
VALUE = 0xFFFFFFFF
ABSENT = 0xFFFFFFFFFFFFFFFF


def derive(key, purpose):
    return blake3(key, derive_key_context=purpose).digest()


def principal_key(secret, tenant, account):
    key = derive(secret, "guilloche 2026 sealed reasoning v1")
    length = ABSENT if tenant is None else len(tenant.encode())
    whose = struct.pack("<Q", length) + (tenant or "").encode() + account.encode()
    identity = derive(key, "guilloche 2026 sealed reasoning key id v1")[:4]
    return identity, blake3(whose, key=key).digest()


def conversation(texts):
    return blake3(b"".join(struct.pack("<Q", len(t.encode())) + t.encode() for t in texts)).digest()


def blob(case):
    identity, key = principal_key(bytes.fromhex(case["secret"]), case["tenant"], case["account"])
    first = case["conversation"]
    head = MAGIC + identity + struct.pack(">I", case["expires"]) + bytes([first is not None])
    parts = [(tag, text.encode()) for tag, text in case["texts"]]
    if case["value"] is not None:
        parts.append((VALUE, case["value"].encode()))
    plain = struct.pack("<I", len(parts))
    for tag, part in parts:
        plain += struct.pack("<II", tag, len(part)) + part
    plain += bytes(-len(plain) % case["bucket"])
    plain += bytes(-(len(head) + 24 + len(plain) + 16) % 3)
    bound = head
    for text in [case["carrier"].encode(), case["model"].encode(),
                 b"" if first is None else conversation(first)]:
        bound += struct.pack("<Q", len(text)) + text
    nonce = bytes.fromhex(case["nonce"])
    sealed = head + nonce + encrypt(plain, bound, nonce, key)
    return base64.b64encode(sealed).decode()


def main():
    secret, nonce = bytes(range(32)).hex(), bytes(range(100, 124)).hex()
    base = {
        "secret": secret, "tenant": None, "account": "acct-1", "carrier": "messages.thinking",
        "model": "teacher-large", "conversation": None, "expires": 1_800_000_000, "bucket": 256,
        "nonce": nonce, "texts": [[0, "9 of 12 is 3/4."]], "value": "\"c2ln\"",
    }
    cases = [
        base,
        base | {"tenant": "", "value": None, "texts": []},
        base | {"tenant": "blue", "account": "é", "conversation": ["Hello, ", "how much is it?"]},
        base | {"carrier": "responses.reasoning", "bucket": 4096,
                "texts": [[65536, "sums \\u00fcp"], [0, "x" * 5000]], "value": "null"},
        base | {"secret": bytes(32).hex(), "model": "", "nonce": bytes(24).hex(), "texts": [[7, ""]]},
        base | {"texts": [[0, "y" * (256 - 4 - 8 - 8 - 6)]]},
        base | {"texts": [[0, "y" * (256 - 4 - 8 - 8 - 6 + 1)]]},
    ]
    json.dump([case | {"blob": blob(case)} for case in cases], sys.stdout, indent=1, ensure_ascii=False)
    print()


main()
