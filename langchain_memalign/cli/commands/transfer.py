"""`memalign export`, `import`, `copy`: carrying a whole memory elsewhere."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from langchain_memalign._stores.location import server_at
from langchain_memalign.cli.judge_file import (
    DEFAULT_NAMES,
    JudgeFile,
    MemoryPlace,
    find_judge_file,
    load_judge_file,
)
from langchain_memalign.cli.objects import opened_memory
from langchain_memalign.cli.options import (
    JsonOption,
    JudgeOption,
    OverwriteOption,
    check_is_new,
)
from langchain_memalign.cli.terminal import Screen, counted
from langchain_memalign.errors import InvalidInputError

_API_KEY = "QDRANT_API_KEY"
_JUDGE_FILES = (".yaml", ".yml", ".toml")


def export(
    path: Annotated[Path, typer.Argument(help="The file to write.")],
    overwrite: OverwriteOption = False,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Write the whole memory, with every judge in it, to one JSONL file.

    Any memory can import that file, whatever its store and embeddings.

    Examples:
      $ memalign export memory.jsonl
    """
    check_is_new(path, overwrite=overwrite)
    file = load_judge_file(find_judge_file(judge_file))
    with opened_memory(file.memory, file.embeddings, creates=False, lazily=True) as memory:
        records = memory.export_jsonl(path)
    _say(Screen(json=json), records, f"written to {path}")


def import_(
    path: Annotated[Path, typer.Argument(help="A file written by `memalign export`.")],
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Add an exported memory to the judge's memory.

    A record that exists already is replaced only by a newer one. If the
    embeddings differ, everything is embedded again.

    Examples:
      $ memalign import memory.jsonl
    """
    screen = Screen(json=json)
    file = load_judge_file(find_judge_file(judge_file))
    with opened_memory(file.memory, file.embeddings) as memory, screen.working("Importing"):
        records = memory.import_jsonl(path)
    _say(screen, records, f"added to {file.memory.location}")


def copy(
    source: Annotated[
        str,
        typer.Argument(help="A directory, the address of a Qdrant server, or a judge file."),
    ],
    target: Annotated[str, typer.Argument(help="The same. It is created if it does not exist.")],
    embeddings: Annotated[
        str | None,
        typer.Option(
            help="The embeddings of the memories, unless a judge file names them. The default is "
            "those of the judge file in this directory, or else local."
        ),
    ] = None,
    target_embeddings: Annotated[
        str | None,
        typer.Option(help="Embed everything again with these, for the target."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Copy one memory into another, for example from a directory to a server.

    The key of a server given by its address comes from QDRANT_API_KEY.

    Examples:
      $ memalign copy ./memory http://localhost:6333
      $ memalign copy http://localhost:6333 ./backup
      $ memalign copy judge.yaml other.yaml
      $ memalign copy ./memory ./new --target-embeddings openai:text-embedding-3-small
    """
    screen = Screen(json=json)
    default = embeddings or _embeddings_here()
    source_place, held = _place(source, default)
    target_place, wanted = _place(target, target_embeddings or held)
    if _same(source_place, target_place):
        raise InvalidInputError(f"found {source} twice; expected two memories.")
    with tempfile.TemporaryDirectory(prefix="memalign-") as folder:
        # By way of a file: two embedded memories need not be open at once, and it is read whole
        # before anything is written.
        carried = Path(folder) / "memory.jsonl"
        with opened_memory(source_place, held, creates=False, lazily=True) as memory:
            found = memory.export_jsonl(carried)
        with (
            opened_memory(target_place, wanted) as memory,
            screen.working(f"Copying {counted(found, 'record')}"),
        ):
            records = memory.import_jsonl(carried)
    if json:
        screen.data({"found": found, "records": records})
    else:
        there = f"; {found - records} were there already" if found > records else ""
        screen.note(f"{records} of {counted(found, 'record')} copied to {target}{there}.")


def _place(named: str, embeddings: str) -> tuple[MemoryPlace, str]:
    """The memory that an argument names, and what it was made with."""
    if Path(named).suffix in _JUDGE_FILES and Path(named).is_file():
        file: JudgeFile = load_judge_file(Path(named))
        return file.memory, file.embeddings
    server_at(named)  # refused by name, where it is neither
    place = MemoryPlace(location=named)
    if place.is_server:
        if key := os.environ.get(_API_KEY):
            return place.model_copy(update={"api_key": SecretStr(key)}), embeddings
        return place, embeddings
    if place.directory is None:
        raise InvalidInputError(
            f"found {named!r}, which does not outlive the command; expected a directory, the "
            "address of a Qdrant server, or a judge file."
        )
    return MemoryPlace(location=os.path.expanduser(named)), embeddings


def _embeddings_here() -> str:
    for name in DEFAULT_NAMES:
        if Path(name).is_file():
            return load_judge_file(Path(name)).embeddings
    return "local"


def _same(one: MemoryPlace, other: MemoryPlace) -> bool:
    if one.directory is not None and other.directory is not None:
        return one.directory.resolve() == other.directory.resolve()
    return _kept_at(one) == _kept_at(other)


def _kept_at(place: MemoryPlace) -> tuple[str, str | None]:
    server = server_at(place.location)
    return server.url.rstrip("/") if server else place.location, place.collection


def _say(screen: Screen, records: int, what: str) -> None:
    if screen.json:
        screen.data({"records": records})
    else:
        screen.note(f"{counted(records, 'record')} {what}.")
