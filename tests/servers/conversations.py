"""Starts llama.cpp's server and two proxies that seal, and has conversations_test.py talk to them.

    python conversations.py PYTHON GUILLOCHE DIR

PYTHON is that of an environment with xllamacpp, DIR holds what `make_reasoner.py` made. To be run with the Python of
the client suites, of whose harness this is a part.
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

PYTHON, os.environ["GUILLOCHE"], DIRECTORY = sys.argv[1:4]

with contextlib.ExitStack() as stack:
    directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
    command = [PYTHON, str(HERE / "llama_server.py"), "-m", f"{DIRECTORY}/model.gguf", "--jinja", "--port", str(harness.free_port())]
    server = harness.Process(stack, command, r"listening at (http://\S+)").found[1]
    key = secrets.token_hex(32)
    risk_key, secret = (harness.owned(directory / f"{name}.key", text) for name, text in [("risk", key), ("secret", secrets.token_hex(32))])
    sealing = harness.sealing(stack, directory, risk_key, secret)
    description = directory / "suite.json"
    description.write_text(json.dumps({"server": server, "sealing": sealing, "risk_key": key, "key_id": harness.KEY_ID}))
    pytest = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(CLIENTS / "pytest.ini")]
    pytest += ["-o", f"pythonpath={CLIENTS / 'python'} {HERE}", "-p", "no:warnings", str(HERE / "conversations_test.py")]
    failed = subprocess.run(pytest, env=os.environ | {"CLIENT_SUITE": str(description)}).returncode
sys.exit(failed)
