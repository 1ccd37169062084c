"""What `make` would do; nothing is run."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def steps(target, venv, *options):
    told = ["make", "--dry-run", "--no-print-directory", target, f"VENV={venv}", *options]
    return subprocess.run(told, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_demo_installs_only_what_it_needs_and_shows_how_far_it_is(tmp_path):
    run = steps("demo", tmp_path / "venv")
    installs = [line for line in run.splitlines() if "pip install" in line]
    (install,) = installs
    assert "'.[cli,local]'" in install
    assert " -q" not in install


@pytest.mark.parametrize("target", ["demo", "lint"])
def test_where_all_is_installed_nothing_is_installed_again(tmp_path, target):
    stamp = tmp_path / "venv" / ".installed"
    stamp.parent.mkdir()
    stamp.touch()
    run = steps(target, stamp.parent)
    assert "pip install" not in run
    assert str(stamp.parent / "bin") in run


def test_the_benchmark_of_speed_can_be_shortened_and_brings_the_pages_up_to_date(tmp_path):
    (stamp := tmp_path / "venv-bench" / ".installed").parent.mkdir()
    stamp.touch()
    run = steps("bench", tmp_path / "venv", "REPEATS=2")
    assert "benchmarks/speed --repeats 2" in run
    assert "benchmarks/speed/table.py" in run
