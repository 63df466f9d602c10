"""Starts a real server and two proxies that seal, and has conversations_test.py talk to them.

    python conversations.py KIND PROGRAM GUILLOCHE DIR

KIND, PROGRAM and DIR are as for hunt.py. To be run with the Python of the client suites, of whose harness this is a part.
"""

import contextlib
import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS = HERE.parent / "clients"
sys.path.insert(0, str(CLIENTS))

import harness

from common import call, until
from servers import SETTINGS, prepare, start

KIND, PROGRAM, os.environ["GUILLOCHE"], DIRECTORY = sys.argv[1], sys.argv[2], sys.argv[3], pathlib.Path(sys.argv[4])

with contextlib.ExitStack() as stack:
    directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
    port = harness.free_port()
    child = start(KIND, PROGRAM, DIRECTORY, port, SETTINGS[KIND][0])
    stack.callback(lambda: (child.terminate(), child.wait(30)))
    until(lambda: call(port, "/v1/models"), f"{KIND} listens", 3000)
    prepare(KIND, PROGRAM, DIRECTORY, port)
    server = f"http://127.0.0.1:{port}"
    key = secrets.token_hex(32)
    risk_key, secret = (harness.owned(directory / f"{name}.key", text) for name, text in [("risk", key), ("secret", secrets.token_hex(32))])
    sealing = harness.sealing(stack, directory, risk_key, secret)
    description = directory / "suite.json"
    description.write_text(json.dumps({"server": server, "kind": KIND, "sealing": sealing, "risk_key": key, "key_id": harness.KEY_ID}))
    pytest = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(CLIENTS / "pytest.ini")]
    pytest += ["-o", f"pythonpath={CLIENTS / 'python'} {HERE}", "-p", "no:warnings", str(HERE / "conversations_test.py")]
    failed = subprocess.run(pytest, env=os.environ | {"CLIENT_SUITE": str(description)}).returncode
sys.exit(failed)
