"""`memalign init`: a first judge file, and files to try it with."""

from __future__ import annotations

import json as json_
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from langchain_memalign._values.types import ValueType
from langchain_memalign.cli.commands.demo import EARLIER, LATE_FRIDGE, LATE_PARCEL, PASSWORD, REMARK
from langchain_memalign.cli.judge_file import DEFAULT_NAMES, judge_file_text, parse_judge_file
from langchain_memalign.cli.options import JsonOption
from langchain_memalign.cli.terminal import Screen
from langchain_memalign.errors import InvalidInputError


def init(
    path: Annotated[
        Path, typer.Argument(help="The file to write: YAML, or TOML if its name ends in .toml.")
    ] = Path(DEFAULT_NAMES[0]),
    name: Annotated[
        str, typer.Option(help="The judge's name. What it learns is kept under it.")
    ] = "support_tone",
    instructions: Annotated[
        str, typer.Option(help="What the judge has to decide.")
    ] = "Is the reply appropriate for an upset customer?",
    value_type: Annotated[
        str,
        typer.Option(
            help="What a verdict may be: bool, 1-5, 0.0-1.0, or labels such as good,fair,bad."
        ),
    ] = "bool",
    model: Annotated[
        str, typer.Option(help="provider:name, or precedent for offline use.")
    ] = "precedent",
    embeddings: Annotated[
        str, typer.Option(help="provider:name, or local for offline use.")
    ] = "local",
    memory: Annotated[
        str,
        typer.Option(help="A directory, relative to the file, or the address of a Qdrant server."),
    ] = "./memory",
    json: JsonOption = False,
) -> None:
    """Write a commented judge file to start from, and small sample files.

    The samples, feedback.jsonl and cases.jsonl, show what a line looks like.
    Existing files are never replaced.

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
    file = parse_judge_file(text, path)  # what cannot be read again is not written
    if not _write_new(path, text):
        raise InvalidInputError(
            f"found that {path} already exists; expected a new file. Edit that one, or choose "
            "another name: memalign init other.yaml."
        )
    feedback, cases = path.with_name("feedback.jsonl"), path.with_name("cases.jsonl")
    samples = {
        feedback: _feedback(file.value_type),
        cases: [case.model_dump(exclude_none=True) for case in (LATE_FRIDGE, PASSWORD)],
    }
    written = [sample for sample, rows in samples.items() if _write_new(sample, _jsonl(rows))]
    screen = Screen(json=json)
    if json:
        screen.data({"path": str(path), "samples": [str(sample) for sample in written]})
        return
    named = "" if str(path) in DEFAULT_NAMES else f" --judge {path}"
    screen.note(f"Wrote {', '.join(map(str, [path, *written]))}. Edit them, then try:")
    for command in (
        f"align {feedback}",
        f"judge {cases}",
        f"review {cases}",
        f"web {cases}",
    ):
        screen.note(f"  memalign {command}{named}")


def _feedback(value_type: ValueType) -> list[dict[str, Any]]:
    """What experts might have said; without values where these are labels of a person's own."""
    rows = [*EARLIER, {**dict(LATE_PARCEL), "value": False, "rationale": REMARK}]
    match value_type.kind:
        case "boolean":
            worst, best = False, True
        case "choice":
            return [{**row, "value": None} for row in rows if "rationale" in row]
        case _:
            worst, best = (value_type.json_schema[bound] for bound in ("minimum", "maximum"))
    return [{**row, "value": best if row["value"] else worst} for row in rows]


def _jsonl(rows: Iterable[dict[str, Any]]) -> str:
    given = ({key: value for key, value in row.items() if value is not None} for row in rows)
    return "".join(f"{json_.dumps(row, ensure_ascii=False)}\n" for row in given)


def _write_new(path: Path, text: str) -> bool:
    """Write a file; False if there is one already."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    except OSError as error:
        raise InvalidInputError(
            f"cannot write {path}: {error.strerror}; expected a path in a directory that exists."
        ) from error
    return True


def _value_type(written: str) -> Any:
    """Labels with commas between them as a list; a JSON schema as such; the rest as it is."""
    text = written.strip()
    if text.startswith("{"):
        try:
            return json_.loads(text)
        except ValueError:
            return text
    if "," in text:
        return [label.strip() for label in text.strip("[]").split(",")]
    return text
