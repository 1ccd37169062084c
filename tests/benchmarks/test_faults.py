"""The campaign of stopped work at its smallest, and that it sees what it looks for."""

import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import pytest
from pages import ROOT
from qdrant_rest.states import needs_all_nodes

FAULTS = ROOT / "benchmarks" / "faults"
LEGS = ("kills", "cancellations", "interrupts")


@pytest.mark.slow
@pytest.mark.parametrize("store", ["directory", pytest.param("server", marks=needs_all_nodes)])
def test_work_is_stopped_and_nothing_is_wrong(temporary, store):
    out = temporary / "faults.json"
    asked = [word for leg in LEGS for word in (f"--{leg}", "2")]
    ran = subprocess.run(
        [sys.executable, str(FAULTS), *asked, "--store", store, "--out", str(out)],
        env={k: v for k, v in os.environ.items() if k != "QDRANT_URL"}
        | {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(out.read_text("utf-8"))
    assert [(row["leg"], row["trials"], row["wrong"]) for row in told["rows"]] == [
        (leg, 2, []) for leg in LEGS
    ]
    assert os.listdir(temporary) == [out.name]


@pytest.fixture
def temporary():
    """A folder with a short name, as sockets in it must have, through which processes speak."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        yield Path(name)


@pytest.fixture
def told(monkeypatch, tmp_path):
    """A memory of the campaign that was told two words and forgot one, and what looks at it."""
    monkeypatch.syspath_prepend(str(FAULTS))
    examine, ledger = import_module("examining").examine, import_module("ledger")
    place = import_module("place").Place(tmp_path)
    place.make()
    known = ledger.Ledger("m")
    names = known.new("w", 2)
    gone = frozenset({min(names)})
    with place.open().memory as memory:
        judge = import_module("place").judge_on(memory)
        judge.align([word(name) for name in sorted(names)])
        judge.forget(import_module("deeds").ids_of(judge, gone))
    for promise in (ledger.Promise("align", says=names), ledger.Promise("forget", forgets=gone)):
        known.begin(promise)
        known.end()
    return place, known, lambda: examine(place, known)


def word(name):
    marked = import_module("place").marker(name)
    return {"inputs": f"Case {marked}", "outputs": "x", "rationale": f"Mind {marked}."}


def test_what_is_right_is_found_right(told):
    assert told[2]() == []


def test_what_is_lost_or_back_is_seen(told):
    _, known, examine = told
    (there,), (gone,) = known.there, known.gone
    known.there, known.gone = {gone}, {there}
    found = examine()
    assert {f"lost: {gone}", f"back: {there}"} <= set(found)


def test_what_is_doubled_is_seen(told):
    place, known, examine = told
    (there,) = known.there
    with place.open().memory as memory:
        again = word(there) | {"reviewer": "somebody else"}
        import_module("place").judge_on(memory).align([again])
    assert f"doubled: {there}" in examine()


def test_half_of_what_is_whole_is_seen(told):
    _, known, examine = told
    (there,) = known.there
    promise = import_module("ledger").Promise
    known.begin(promise("import", says=frozenset({there, *known.new("w", 1)}), is_whole=True))
    assert [line.split(":")[0] for line in examine()] == ["torn"]


@pytest.mark.parametrize("where", ["memory", "exports", "temporary"])
def test_what_is_left_in_a_file_is_seen(told, where):
    place, known, examine = told
    (gone,) = known.gone
    marked = import_module("place").marker(gone)
    getattr(place, where).joinpath("left").write_text(f"half of it: {marked[:12]}")
    assert any(line.startswith(f"leaked, {where}: {gone}") for line in examine())
