"""`memalign init`: a first judge file."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer

from langchain_memalign.cli.judge_file import DEFAULT_NAMES, judge_file_text, parse_judge_file
from langchain_memalign.cli.options import JsonOption
from langchain_memalign.cli.terminal import Screen
from langchain_memalign.errors import InvalidInputError


def init(
    path: Annotated[
        Path, typer.Argument(help="The file to write: YAML, or TOML if its name ends so.")
    ] = Path(DEFAULT_NAMES[0]),
    name: Annotated[
        str, typer.Option(help="The judge's name: its namespace in the memory.")
    ] = "support_tone",
    instructions: Annotated[
        str, typer.Option(help="What it judges.")
    ] = "Is the reply appropriate for an upset customer?",
    value_type: Annotated[
        str, typer.Option(help="What a verdict may be: bool, 1-5, 0.0-1.0, or good,fair,bad.")
    ] = "bool",
    model: Annotated[
        str, typer.Option(help="provider:name, or precedent for offline use.")
    ] = "precedent",
    embeddings: Annotated[
        str, typer.Option(help="provider:name, or local for offline use.")
    ] = "local",
    memory: Annotated[
        str, typer.Option(help="A directory, relative to the file, or a server's address.")
    ] = "./memory",
    json: JsonOption = False,
) -> None:
    """Write a commented judge file to begin with; never over one that is there.

    Examples:
      $ memalign init
      $ memalign init tone.toml --name tone --value-type 1-5
      $ memalign init --value-type good,fair,bad --model openai:gpt-4.1-mini
    """
    text = judge_file_text(
        toml=path.suffix == ".toml",
        name=name,
        instructions=instructions,
        value_type=_value_type(value_type),
        model=model,
        embeddings=embeddings,
        memory=memory,
    )
    parse_judge_file(text, path)  # what cannot be read again is not written
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InvalidInputError(
            f"found {path} there already; expected a new file. Edit it, or give another name: "
            "memalign init other.yaml."
        ) from None
    except OSError as error:
        raise InvalidInputError(
            f"cannot write {path}: {error.strerror}; expected a place in a directory that there is."
        ) from error
    screen = Screen(json=json)
    if json:
        screen.data({"path": str(path)})
        return
    named = "" if str(path) in DEFAULT_NAMES else f" --judge {path}"
    screen.note(f"Wrote {path}. Edit it, then for example:")
    for command in (
        'judge --inputs "Where is my parcel?" --outputs "It comes tomorrow."',
        "align feedback.jsonl",
        "review cases.jsonl",
    ):
        screen.note(f"  memalign {command}{named}")


def _value_type(written: str) -> Any:
    """Labels with commas between them as a list; a JSON schema as such; the rest as it is."""
    text = written.strip()
    if text.startswith("{"):
        try:
            return json_text.loads(text)
        except ValueError:
            return text
    if "," in text:
        return [label.strip() for label in text.strip("[]").split(",")]
    return text
