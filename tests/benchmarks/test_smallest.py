"""Benchmarks at their smallest: they run, and write what they say."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from pages import ROOT
from qdrant_rest.process import RestServer


def run(name, *options, out, **variables):
    known = {k: v for k, v in os.environ.items() if k != "QDRANT_URL"}
    ran = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *options, "--out", str(out)],
        env={**known, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert out.with_suffix(".png").stat().st_size > 0
    return ran.stdout, json.loads(out.read_text("utf-8"))


def refusal_without_rows(*command, cwd):
    """The line with which a benchmark ends that finds no real rows."""
    ran = subprocess.run(
        [sys.executable, *command],
        env={k: v for k, v in os.environ.items() if k != "MEMALIGN_DATA"}
        | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )
    assert ran.returncode == 1
    (line,) = ran.stderr.splitlines()
    return line


def test_without_real_rows_it_is_said_in_a_line(tmp_path):
    line = refusal_without_rows(str(ROOT / "benchmarks" / "recall.py"), cwd=tmp_path)
    assert "found no MEMALIGN_DATA; expected a folder" in line


def test_scale(tmp_path):
    printed, told = run("scale", "--sizes", "20", "40", out=tmp_path / "scale.json")
    assert [row["episodes"] for row in told["rows"]] == [20, 40]
    assert all(row["mb"] > 0 for row in told["rows"])
    assert "growth exponents" in printed


@pytest.mark.enable_socket
def test_scale_on_a_server(tmp_path):
    server = RestServer()
    try:
        printed, told = run(
            "scale", "--sizes", "20", out=tmp_path / "scale.json", QDRANT_URL=server.url
        )
    finally:
        server.close()
    embedded, server, away = told["rows"]
    assert (embedded["store"], server["store"]) == ("embedded", "server")
    assert away["store"] in printed
    for work in ("judge", "align_one"):
        assert away[f"{work}_requests"] > 0
        assert away[f"{work}_ms"] >= 20  # at least one request waits for the line


def write_data(folder):
    """A data set, `tone`: what is good is polite; no case stands in both parts."""
    rows = [
        {
            "id": f"{n}",
            "dataset": "tone",
            "criterion": "Is it kind?",
            "value_type": "bool",
            "inputs": f"Where is parcel {n}?",
            "outputs": "We are sorry." if n % 2 else "No idea.",
            "expectations": None,
            "label": bool(n % 2),
            "rationale": "",
        }
        for n in range(16)
    ]
    (folder / "tone").mkdir()
    for part, some in (("train", rows[:8]), ("test", rows[8:])):
        (folder / "tone" / f"{part}.jsonl").write_text("\n".join(map(json.dumps, some)), "utf-8")


def test_recall(tmp_path):
    write_data(tmp_path)
    out = tmp_path / "recall.json"
    printed, told = run("recall", "--data", str(tmp_path), "--k", "3", out=out)
    ways = {(way["by"], way["how"]): way["vote"]["value"] for way in told["sets"]["tone"]}
    assert len(ways) == 8
    assert ways["outputs", "dense"] == 1
    assert "both, dense (default)" in printed


@pytest.mark.skipif(find_spec("datasets") is not None, reason="would ask the network")
def test_a_public_set_says_what_it_needs(tmp_path):
    line = refusal_without_rows("-m", "benchmarks.quality", "--sets", "halubench", cwd=tmp_path)
    assert "[datasets]" in line


def test_quality(tmp_path):
    write_data(tmp_path)
    options = ("--data", str(tmp_path), "--sets", "tone", "--shards", "0", "4", "--repeats", "1")
    printed, told = run("quality", *options, out=tmp_path / "quality.json")
    unseen = {
        point["taught"]: point["estimates"]["correct_overall"]["value"]
        for point in told["sets"]["tone"]["curves"]["ours"]
        if point["split"] == "unseen"
    }
    assert unseen[0] == 0  # the offline model knows nothing by itself
    assert unseen[4] > 0.5
    before, *_, after = sorted(told["sets"]["tone"]["curves"]["ours"], key=lambda p: p["taught"])
    assert (before["most_episodes"], after["most_episodes"]) == (0, 4)
    assert list(before["abstained_because"].values()) == [8]
    ways = {way["way"]: way for way in told["sets"]["tone"]["ablations"]}
    assert ways["no memory"]["change_to_all"]["correct_overall"]["value"] < 0
    assert len(ways) == 9  # a tenth for scales alone
    assert told["compared_with_mlflow"] is False
    assert "no contrast in recall" in printed
    assert "no judge's verdict while distilling" in printed


def test_calibration(tmp_path):
    write_data(tmp_path)
    out = tmp_path / "calibration.json"
    options = ("--data", str(tmp_path), "--draws", "2", "--cases", "20")
    printed, told = run("calibration", *options, out=out)
    assert {line["cases"] for line in told["promises"]} == {20}
    assert all(0 <= line["held"] <= 1 for line in told["promises"])
    assert told["overhead"]["ms_a_judgement"] > 0
    tone = told["sets"]["tone"]
    assert tone["cases"] == 8
    assert tone["after"]["expected_calibration_error"] is not None
    assert "noise, 20 cases" in printed


def test_how_sure_a_judge_is_on_rows(tmp_path):
    write_data(tmp_path)
    options = ("--data", str(tmp_path), "--unseen", "6")
    _, told = run("calibration_rows", *options, out=tmp_path / "rows.json")
    assert told["sets"]["tone"] == told["sets"]["all cases"]
    assert (told["sets"]["tone"]["cases"], told["model"]) == (6, "precedent")
