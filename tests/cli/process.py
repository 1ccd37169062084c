"""`memalign` in a process of its own, whose model does something at a given call."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Model calls are numbered from 1; `at(number)` runs in the thread that makes the call.
SCRIPT = """
import itertools, os, signal, sys, threading
from fakes import ScriptedModel, one_rule_a_record
from langchain_memalign.cli import main, objects

numbers = itertools.count(1)
{act}
def respond(request):
    at(next(numbers), request)
    return one_rule_a_record(request)

objects.chat_model = lambda choice: ScriptedModel(respond=respond)
sys.argv = ["memalign", *{arguments!r}]
main()
"""
NOTHING = "def at(number, request): pass"


def start(folder, *arguments, act=NOTHING, **options):
    """Start a command in `folder`."""
    code = SCRIPT.format(act=act, arguments=[str(argument) for argument in arguments])
    settings = {
        "cwd": folder,
        "env": os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }
    return subprocess.Popen([sys.executable, "-c", code], **settings | options)


def finish(process):
    """Wait for its end; its exit code, and what it wrote."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def run(folder, *arguments, act=NOTHING):
    """Run a command to its end."""
    return finish(start(folder, *arguments, act=act))
