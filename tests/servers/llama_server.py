"""llama.cpp's server, as the package xllamacpp has it built: takes those of llama-server's arguments that are used here.

    python llama_server.py -m MODEL --port PORT [--host HOST] [--reasoning-format FORM] [-c TOKENS] [-np SLOTS] [--jinja]
"""

import argparse
import signal

import xllamacpp

FORMS = {
    "none": "COMMON_REASONING_FORMAT_NONE",
    "deepseek": "COMMON_REASONING_FORMAT_DEEPSEEK",
    "deepseek-legacy": "COMMON_REASONING_FORMAT_DEEPSEEK_LEGACY",
}

parser = argparse.ArgumentParser()
parser.add_argument("-m", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--reasoning-format", choices=FORMS, default="deepseek")
parser.add_argument("-c", type=int, default=2048)
parser.add_argument("-np", type=int, default=1)
parser.add_argument("--jinja", action="store_true")
arguments = parser.parse_args()

parameters = xllamacpp.CommonParams()
parameters.model.path = arguments.m
parameters.hostnames, parameters.port = [arguments.host], arguments.port
parameters.n_ctx, parameters.n_parallel = arguments.c, arguments.np
parameters.use_jinja = arguments.jinja
form = xllamacpp.common_reasoning_format
parameters.reasoning_format = getattr(form, FORMS[arguments.reasoning_format])
server = xllamacpp.Server(parameters)
print("listening at", server.listening_address, flush=True)
signal.pause()
