"""`memalign web`: the page where experts teach the judge, in a browser on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from langchain_memalign.cli.commands.review import Policy
from langchain_memalign.cli.data_files import read_cases
from langchain_memalign.cli.objects import opened_judge
from langchain_memalign.cli.options import JudgeOption, MapOption
from langchain_memalign.cli.terminal import Screen
from langchain_memalign.errors import ConfigurationError

_PORT = 8765


def web(
    cases: Annotated[
        Path,
        typer.Argument(
            help="A JSONL file with one case a line: inputs, outputs, reference_outputs, id, lang."
        ),
    ],
    policy: Annotated[
        Policy | None,
        typer.Option(
            help="Which verdicts people are asked about. The default is in the judge file; a lead "
            "can change it on the page.",
            show_default=False,
        ),
    ] = None,
    reviewer: Annotated[
        str | None,
        typer.Option(
            "--reviewer",
            "-r",
            envvar="MEMALIGN_REVIEWER",
            help="Who is answering. Without it, the page asks.",
            show_default=False,
        ),
    ] = None,
    blind: Annotated[
        bool, typer.Option("--blind", help="Hide the judge's answer until a person has answered.")
    ] = False,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="The port to listen on. If it is taken, a free one is used."
        ),
    ] = _PORT,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the link.")] = False,
    map_: MapOption = None,
    judge_file: JudgeOption = None,
) -> None:
    """Answer cases on a page in the browser, while the judge learns from the answers.

    The page listens on this machine only, and only people with the printed link
    get in. Stop it with Ctrl-C: all answers are kept, and those not learned yet
    are learned at the next start. The review file is that of `memalign review`.

    Examples:
      $ memalign web cases.jsonl
      $ memalign web cases.jsonl --reviewer ann --blind
      $ memalign web rows.jsonl --map question=inputs.question,answer=outputs
    """
    try:
        from langchain_memalign.reviews import DeskSettings
        from langchain_memalign.web.app import Page, new_token
        from langchain_memalign.web.serve import HOSTS, free_port, serve
        from langchain_memalign.web.waiting import LocalWaiting, WaitingCase
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"found no package {error.name}, which the page needs. Install it with "
            "`pip install 'langchain-memalign[web]'`."
        ) from error

    screen = Screen(json=False)
    rows, bad = read_cases(cases, map_ or [], screen)
    for row in bad:
        screen.note(f"line {row.line} cannot be used: {row.reason}", style="red")
    with opened_judge(judge_file) as (file, judge):
        waiting = LocalWaiting(
            (
                WaitingCase(
                    r.case.key, f"line {r.line}" if r.id is None else str(r.id), r.case, r.lang
                )
                for r in rows
            ),
            reviews=file.review_path,
        )
        listening, at = free_port(port)
        token = new_token()
        page = Page(
            judge,
            waiting=waiting,
            allowed_hosts=HOSTS,
            wording={judge.spec.name: file.wording},
            settings=DeskSettings(policy=policy or file.review, blind=blind),
            token=token,
            cookie=f"memalign-{at}",
            name=reviewer,
            model_name=file.model.name,
        )
        address = f"http://127.0.0.1:{at}/?token={token}"
        print(f"The page is at {address}", flush=True)
        print("Anyone with this link can use the page. Ctrl-C stops it.", flush=True)
        try:
            serve(page, listening, address, opens_browser=not no_browser)
        except KeyboardInterrupt:
            print("Stopped. All answers are kept.", flush=True)
        finally:
            page.close()
    if page.is_at_work:
        # A model that does not answer must not keep the process. What it was asked about is taken
        # up at the next start, as after a kill.
        sys.stdout.flush()
        os._exit(0)
