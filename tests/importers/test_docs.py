"""The page on importing does what it says, against a LangSmith workspace and an MLflow store."""

import pytest
from pages import check_examples, read

from .tracking import Tracking

PAGE = "docs/importing.md"


# MLflow and what it brings warn of their own deprecations.
@pytest.mark.filterwarnings("ignore")
def test_its_code_prints_what_it_says(langsmith, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANGSMITH_ENDPOINT", langsmith.url)
    monkeypatch.setenv("LANGSMITH_API_KEY", langsmith.key)
    Tracking(f"sqlite:///{tmp_path}/mlflow.db")
    langsmith.add_run("late")
    langsmith.say("late", score=0.0, comment="Too cold.", user="ann")
    langsmith.add_run("unjudged")
    langsmith.say("unjudged", score=1.0, source="model")

    namespace = check_examples(read(PAGE), PAGE)
    namespace["memory"].close()
