"""Tables of the last results in the pages that show them."""

import argparse
import sys
from pathlib import Path

_ROOT = Path(__file__).parent.parent
PAGES = (_ROOT / "docs" / "benchmarks.md", _ROOT / "README.md")
"""Where all of a table stands, and where some of it does."""


def bring_up_to_date(in_page, *, description):
    """The command line of a script that writes a table into the pages, or compares them with it.

    Args:
        in_page: A page's text with its table as it should be, from the text as it is.
        description: What the script does.

    Raises:
        SystemExit: A page is to be compared only, and shows something else.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if old")
    options = parser.parse_args()
    for page in PAGES:
        text = page.read_text("utf-8")
        anew = in_page(text)
        if anew == text:
            continue
        if options.check:
            sys.exit(f"{page.name} does not show what was measured last: run {sys.argv[0]}")
        page.write_text(anew, "utf-8")
