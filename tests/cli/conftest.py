"""A shell of its own for each test."""

import shutil
import tempfile
from pathlib import Path

import pytest
from fakes import ScriptedModel, one_rule_a_record

from langchain_memalign.cli import objects

from .shell import Shell


@pytest.fixture
def folder(tmp_path):
    """An empty directory; in memory where there is room, since each command opens a store anew."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shutil.disk_usage(shared).free < 2**31:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=shared) as path:
        yield Path(path)


@pytest.fixture
def shell(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for name in ("MEMALIGN_JUDGE", "MEMALIGN_REVIEWER", "MEMALIGN_DEBUG", "QDRANT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return Shell(folder)


@pytest.fixture
def script(monkeypatch):
    """Let every judge ask a scripted model, which answers by the function given."""

    def use(respond=one_rule_a_record):
        model = ScriptedModel(respond=respond)
        monkeypatch.setattr(objects, "chat_model", lambda choice: model)
        return model

    return use
