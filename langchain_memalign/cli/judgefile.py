"""A judge described in a file: YAML or TOML."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StrictInt,
    ValidationError,
)

from langchain_memalign._memory.search import OnRecallFailure
from langchain_memalign._values import ValueType
from langchain_memalign.cli.valuetypes import read_value_type
from langchain_memalign.errors import ConfigurationError, InvalidInputError
from langchain_memalign.memory import PRINCIPLE_TOKENS

DEFAULT_NAMES = ("judge.yaml", "judge.yml", "judge.toml")
"""What is looked for where no file is named."""

_ENVIRONMENT = re.compile(r"\$\{(\w+)\}")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _no_variables(text: Any) -> Any:
    if isinstance(text, str) and "${" in text:
        raise InvalidInputError("found '${'; only memory.api_key is taken from the environment")
    return text


def _from_environment(key: Any) -> Any:
    named = _ENVIRONMENT.fullmatch(key.strip()) if isinstance(key, str) else None
    if named is None:
        return key
    if not (value := os.environ.get(named[1])):
        raise InvalidInputError(f"the environment variable {named[1]} is not set; export it first")
    return value


def _not_blank(text: str) -> str:
    if not text.strip():
        raise InvalidInputError("found nothing; expected some text")
    return text.strip()


def _no_secrets(options: dict[str, Any]) -> dict[str, Any]:
    for name in options:
        if re.search("key|secret|password", name, re.IGNORECASE):
            raise InvalidInputError(
                f"found {name!r}; a provider's key belongs into the environment, such as in "
                "OPENAI_API_KEY"
            )
    return options


_Plain = Annotated[str, BeforeValidator(_no_variables), Field(min_length=1)]
_Words = Annotated[str, BeforeValidator(lambda t: _not_blank(t) if isinstance(t, str) else t)]


class MemoryPlace(_Section):
    """Where the memory is. All but the location is for a server; see `Memory.open`."""

    location: _Plain = "./memory"
    api_key: Annotated[SecretStr | None, BeforeValidator(_from_environment)] = None
    timeout: Annotated[float, Field(gt=0)] | None = None
    collection: _Plain | None = None
    prefer_grpc: StrictBool | None = None
    grpc_port: StrictInt | None = None
    shard_number: StrictInt | None = None
    replication_factor: StrictInt | None = None
    write_consistency_factor: StrictInt | None = None
    lease_seconds: Annotated[float, Field(gt=0)] | None = None
    lease_wait: Annotated[float, Field(ge=0)] | None = None

    @property
    def server_options(self) -> dict[str, Any]:
        """What is said besides the location; the key stays a secret."""
        return {
            name: value
            for name in type(self).model_fields
            if name != "location" and (value := getattr(self, name)) is not None
        }

    @property
    def is_server(self) -> bool:
        """Whether a server keeps it."""
        return self.location.startswith(("http://", "https://"))

    @property
    def directory(self) -> Path | None:
        """The directory it is in, if it is in one."""
        return None if self.is_server or self.location == ":memory:" else Path(self.location)


class ModelChoice(_Section):
    """A chat model and the options it is made with, such as base_url or temperature."""

    name: _Plain
    options: dict[str, Any] = Field(default_factory=dict)


def _read_model(written: Any) -> Any:
    if isinstance(written, dict) and "options" not in written:
        options = _no_secrets({key: value for key, value in written.items() if key != "name"})
        return {"name": written.get("name"), "options": options} if "name" in written else written
    return {"name": written} if isinstance(written, str) else written


def _read_memory(written: Any) -> Any:
    return {"location": written} if isinstance(written, str) else written


class JudgeFile(_Section):
    """What a judge file says.

    Attributes:
        reviews: Where unfinished reviews are kept; by default next to the memory.
    """

    path: Path
    name: Annotated[_Words, BeforeValidator(_no_variables)]
    instructions: _Words
    value_type: Annotated[ValueType, BeforeValidator(read_value_type)]
    model: Annotated[ModelChoice, BeforeValidator(_read_model)]
    embeddings: _Plain = "local"
    memory: Annotated[MemoryPlace, BeforeValidator(_read_memory)] = MemoryPlace()
    k: Annotated[StrictInt, Field(ge=0)] = 5
    principle_tokens: Annotated[StrictInt, Field(ge=1)] = PRINCIPLE_TOKENS
    case_tokens: Annotated[StrictInt, Field(ge=100)] = 32_000
    episode_tokens: Annotated[StrictInt, Field(ge=50)] = 2_000
    distant: Annotated[float, Field(ge=-1, le=1)] = 0.3
    on_recall_failure: OnRecallFailure = "raise"
    structured_output: dict[str, Any] | None = None
    review: Literal["always", "uncertain", "never"] = "always"
    reviews: _Plain | None = None

    @property
    def review_path(self) -> Path:
        """The file of unfinished reviews."""
        if self.reviews is not None:
            return Path(self.reviews)
        directory = self.memory.directory
        beside = directory if directory is not None else self.path.with_suffix("")
        return beside.with_name(f"{beside.name}.reviews.sqlite")


KNOWN_KEYS = tuple(name for name in JudgeFile.model_fields if name != "path")
"""What a judge file may say."""


def find_judge_file(named: Path | None = None) -> Path:
    """The judge file: the one that is named, or the one in the working directory.

    Raises:
        ConfigurationError: There is none.
    """
    if named is not None:
        return named
    for name in DEFAULT_NAMES:
        if Path(name).is_file():
            return Path(name)
    raise ConfigurationError(
        f"found no judge file; expected {DEFAULT_NAMES[0]} in this directory. Write one with "
        "`memalign init`, or name one with --judge."
    )


def load_judge_file(path: Path) -> JudgeFile:
    """Read a judge file; paths in it are relative to it.

    Raises:
        ConfigurationError: It cannot be read, or says what cannot be; names the key.
    """
    return parse_judge_file(_read(path), path)


def parse_judge_file(text: str, path: Path) -> JudgeFile:
    """Read the text of a judge file that is, or will be, at `path`."""
    data = _parse(text, path)
    unknown = [str(key) for key in data if key not in KNOWN_KEYS]
    if unknown:
        near = difflib.get_close_matches(unknown[0], KNOWN_KEYS, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ConfigurationError(
            f"{path}: found the unknown key {unknown[0]!r}{hint}; expected some of "
            f"{', '.join(KNOWN_KEYS)}."
        )
    try:
        file = JudgeFile(path=path, **data)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {_problems(error)}.") from None  # it would show a key
    base = path.expanduser().resolve().parent
    updates: dict[str, Any] = {}
    if file.memory.directory is not None:
        location = str(base / file.memory.directory.expanduser())
        updates["memory"] = file.memory.model_copy(update={"location": location})
    if file.reviews is not None:
        updates["reviews"] = str(base / Path(file.reviews).expanduser())
    return file.model_copy(update=updates)


def _read(path: Path) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(
            f"found no file {path}; expected a judge file. Write one with `memalign init {path}`."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the judge file {path}: {error}.") from error


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except (tomllib.TOMLDecodeError, yaml.YAMLError, RecursionError) as error:
        said = " ".join(str(error).split())
        kind = "TOML" if path.suffix == ".toml" else "YAML"
        raise ConfigurationError(f"{path}: this is no {kind}: {said:.300}.") from error
    if not isinstance(data, dict):
        raise ConfigurationError(
            f"{path}: found {'nothing' if data is None else type(data).__name__}; expected keys "
            f"and values: {', '.join(KNOWN_KEYS)}."
        )
    return data


def _problems(error: ValidationError) -> str:
    said = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        key = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ").rstrip(".")
        if problem["type"] == "missing":
            message = "is missing"
        elif problem["type"] == "extra_forbidden":
            section = MemoryPlace if problem["loc"][0] == "memory" else ModelChoice
            message = f"unknown key; expected some of {', '.join(section.model_fields)}"
        said.append(f"{key}: {message}")
    return "; ".join(dict.fromkeys(said))
