"""How each real server is started with the model of `make_reasoner.py`, and what the tables of paths call it."""

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
# What `upstream.kind` calls them.
KINDS = {"vllm": "vllm", "llama_cpp": "custom", "llama_server": "llama_cpp", "xllamacpp": "llama_cpp", "ollama": "ollama"}
# llama.cpp sets the form of its answers by flags of its own, vLLM the parser.
SETTINGS = {
    "vllm": [["--reasoning-parser", "deepseek_r1"], []],
    "llama_cpp": [[]],
    "llama_server": [["--reasoning-format", form] for form in ["deepseek", "deepseek-legacy", "none"]],
    "ollama": [[]],
}
SETTINGS["xllamacpp"] = SETTINGS["llama_server"]
# What Ollama makes a model of. It takes no template of Jinja's, and looks for `.Thinking` in its own.
MODELFILE = """FROM {directory}/model.gguf
TEMPLATE \"\"\"{{{{- range .Messages }}}}
{{{{- if eq .Role "assistant" }}}}<|assistant|>{{{{ if .Thinking }}}}<think>{{{{ .Thinking }}}}</think>{{{{ end }}}}{{{{ .Content }}}}
{{{{- range .ToolCalls }}}}<tool_call>{{"name": "{{{{ .Function.Name }}}}", "arguments": {{{{ .Function.Arguments }}}}}}</tool_call>{{{{ end }}}}<|end|>
{{{{- else }}}}<|user|>{{{{ .Content }}}}{{{{ end }}}}{{{{ end }}}}{{{{ .Tools }}}}<|assistant|><think>\"\"\"
"""


def start(kind, program, directory, port, setting):
    """The process of a server; Ollama's model is made by `prepare`, once it listens."""
    environment = os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    environment |= {"VLLM_HOST_IP": "127.0.0.1"}
    arguments = ["--port", str(port), "--host", "127.0.0.1"]
    if kind == "vllm":
        command = [program, "-m", "vllm.entrypoints.openai.api_server", "--model", directory]
        command += ["--served-model-name", "reasoner", "model-a", "model-b", "--enforce-eager", "--dtype", "float32"]
        command += ["--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
    elif kind == "llama_cpp":
        command = [program, "-m", "llama_cpp.server", "--model", directory / "model.gguf", "--n_ctx", "2048"]
        command += ["--model_alias", "reasoner", "--logits_all", "true"]
    elif kind == "ollama":
        command, arguments = [program, "serve"], []
        environment |= of_ollama(directory, port)
    else:
        launched = [program, HERE / "llama_server.py"] if kind == "xllamacpp" else [program]
        command = [*launched, "-m", directory / "model.gguf", "--jinja", "-np", "1", "-c", "2048"]
    log = open(directory / f"{kind}.log", "w")
    return subprocess.Popen([*command, *arguments, *setting], env=environment, stdout=log, stderr=subprocess.STDOUT)


def of_ollama(directory, port):
    return {"OLLAMA_HOST": f"127.0.0.1:{port}", "OLLAMA_MODELS": str(directory / "ollama"), "OLLAMA_CONTEXT_LENGTH": "2048"}


def prepare(kind, program, directory, port):
    """Has a server that listens know the model."""
    if kind != "ollama":
        return
    (directory / "Modelfile").write_text(MODELFILE.format(directory=directory))
    for model in ["reasoner", "model-a", "model-b"]:
        command = [program, "create", model, "-f", directory / "Modelfile"]
        subprocess.run(command, env=os.environ | of_ollama(directory, port), check=True, capture_output=True)
