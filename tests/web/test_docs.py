"""The code in the page of the documentation runs as it stands."""

import re
from pathlib import Path

from starlette.testclient import TestClient

PAGE = Path(__file__).parents[2] / "docs" / "review-page.md"


def test_the_page_mounted_as_the_documentation_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    try:
        client = TestClient(names["app"], base_url="http://app.example")
        assert client.get("/review/queue").status_code == 403
        shown = client.get("/review/queue", headers={"x-user": "ann"})
        assert "Where is it?" in shown.text
    finally:
        names["page"].close()
        names["memory"].close()
