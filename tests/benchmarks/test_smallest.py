"""Benchmarks at their smallest: they run, and write what they say."""

import json
import os
import subprocess
import sys

from pages import ROOT


def run(name, *options, out):
    ran = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *options, "--out", str(out)],
        env={k: v for k, v in os.environ.items() if k != "QDRANT_URL"} | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert out.with_suffix(".png").stat().st_size > 0
    return ran.stdout, json.loads(out.read_text("utf-8"))


def test_scale(tmp_path):
    printed, told = run("scale", "--sizes", "20", "40", out=tmp_path / "scale.json")
    assert [row["episodes"] for row in told["rows"]] == [20, 40]
    assert all(row["mb"] > 0 for row in told["rows"])
    assert "growth exponents" in printed


def test_recall(tmp_path):
    rows = [
        {
            "id": f"{n}",
            "criterion": "Is it kind?",
            "value_type": "bool",
            "inputs": f"Where is parcel {n}?",
            "outputs": "We are sorry." if n % 2 else "No idea.",
            "expectations": None,
            "label": bool(n % 2),
            "rationale": "",
        }
        for n in range(8)
    ]
    for part in ("train", "test"):
        (tmp_path / "tone").mkdir(exist_ok=True)
        lines = "\n".join(map(json.dumps, rows))
        (tmp_path / "tone" / f"{part}.jsonl").write_text(lines, "utf-8")

    out = tmp_path / "recall.json"
    printed, told = run("recall", "--data", str(tmp_path), "--k", "3", out=out)
    ways = {(way["by"], way["how"]): way["vote"]["value"] for way in told["sets"]["tone"]}
    assert len(ways) == 8
    assert ways["outputs", "dense"] == 1
    assert "both, dense (default)" in printed
