"""A judge described in a file: YAML or TOML."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StrictInt,
    ValidationError,
    model_validator,
)

from langchain_memalign._judging.setup import ProbabilitySource, PromptForm
from langchain_memalign._memory.search import OnRecallFailure
from langchain_memalign._stores.location import MEMORY, server_at
from langchain_memalign._values.levels import Aggregate
from langchain_memalign._values.types import JudgeSpec, ValueType
from langchain_memalign.errors import ConfigurationError, InvalidInputError
from langchain_memalign.memory import PRINCIPLE_TOKENS
from langchain_memalign.reviews.wording import Wording

DEFAULT_NAMES = ("judge.yaml", "judge.yml", "judge.toml")
"""What is looked for where no file is named."""

_ENVIRONMENT = re.compile(r"\$\{(\w+)\}")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _no_variables(text: str) -> str:
    if "${" in text:
        raise InvalidInputError("found '${'; only memory.api_key is taken from the environment")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise InvalidInputError("found nothing; expected some text")
    return text.strip()


def _from_environment(key: Any) -> Any:
    named = _ENVIRONMENT.fullmatch(key.strip()) if isinstance(key, str) else None
    if named is None:
        return key
    if not (value := os.environ.get(named[1])):
        raise InvalidInputError(f"the environment variable {named[1]} is not set; export it first")
    return value


def _understood(location: str) -> str:
    try:
        server_at(location)
    except ConfigurationError as problem:
        raise InvalidInputError(str(problem)) from problem  # told with the key that it stands at
    return location


_Plain = Annotated[str, AfterValidator(_no_variables), Field(min_length=1)]
_Words = Annotated[str, AfterValidator(_not_blank)]


class MemoryPlace(_Section):
    """Where the memory is. All but the location is for a server; see `Memory.open`."""

    location: Annotated[_Plain, AfterValidator(_understood)] = "./memory"
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

    @model_validator(mode="before")
    @classmethod
    def _read(cls, written: Any) -> Any:
        return {"location": written} if isinstance(written, str) else written

    @property
    def server_options(self) -> dict[str, Any]:
        """What is said besides the location; the key stays a secret."""
        return self.model_dump(exclude={"location"}, exclude_none=True)

    @property
    def is_server(self) -> bool:
        """Whether a server keeps it."""
        return server_at(self.location) is not None

    @property
    def directory(self) -> Path | None:
        """The directory it is in, if it is in one."""
        return None if self.is_server or self.location == MEMORY else Path(self.location)


class ModelChoice(_Section):
    """A chat model and the options it is made with, such as base_url or temperature."""

    name: _Plain
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, written: Any) -> Any:
        if isinstance(written, str):
            return {"name": written}
        if not isinstance(written, dict) or "options" in written or "name" not in written:
            return written
        options = {key: value for key, value in written.items() if key != "name"}
        for key in options:
            if re.search("key|secret|password", key, re.IGNORECASE):
                raise InvalidInputError(
                    f"found {key!r}; expected a provider's key in the environment, such as in "
                    "OPENAI_API_KEY"
                )
        return {"name": written["name"], "options": options}


class JudgeFile(_Section):
    """What a judge file says.

    Attributes:
        question: What people are asked; by default the instructions.
        redefine: Whether the judge may differ from the one that the memory knows.
        values: Words for each value on the page, if not those of `value_meanings`, as
            `{true: Appropriate, false: [Not, "a hint"]}`.
        titles: Headings there for `inputs`, `outputs`, `reference_outputs` and keys in them.
    """

    name: Annotated[_Words, AfterValidator(_no_variables)]
    instructions: _Words
    value_type: Annotated[ValueType, BeforeValidator(ValueType.parse)]
    model: ModelChoice
    embeddings: _Plain = "local"
    memory: MemoryPlace = MemoryPlace()
    k: Annotated[StrictInt, Field(ge=0)] = 5
    principle_tokens: Annotated[StrictInt, Field(ge=1)] = PRINCIPLE_TOKENS
    case_tokens: Annotated[StrictInt, Field(ge=100)] = 32_000
    episode_tokens: Annotated[StrictInt, Field(ge=50)] = 2_000
    distant: Annotated[float, Field(ge=-1, le=1)] = 0.3
    value_meanings: dict[Any, str] = Field(default_factory=dict)
    question: _Words | None = None
    on_recall_failure: OnRecallFailure = "raise"
    redefine: StrictBool = False
    prompt: PromptForm | None = None
    structured_output: dict[str, Any] | None = None
    distiller: ModelChoice | None = None
    probabilities: ProbabilitySource | None = None
    aggregate: Aggregate | None = None
    review: Literal["always", "uncertain", "never"] = "always"
    reviews: _Plain | None = None
    values: dict[Any, Any] | list[Any] | None = None
    titles: dict[str, str] | None = None

    @model_validator(mode="after")
    def _can_be_shown(self) -> Self:
        _ = self.wording
        return self

    @property
    def wording(self) -> Wording:
        """How the question, the values and the fields are called on the page."""
        values = self.spec.value_meanings if self.values is None else self.values
        return Wording.create(
            self.value_type, question=self.question, values=values, titles=self.titles
        )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _ = self.spec
        return self

    @property
    def spec(self) -> JudgeSpec:
        """What the judge is."""
        return JudgeSpec.create(
            name=self.name,
            instructions=self.instructions,
            value_type=self.value_type,
            value_meanings=self.value_meanings,
            question=self.question,
        )

    @property
    def review_path(self) -> Path:
        """The file of unfinished reviews; by default next to the memory."""
        return Path(self.reviews or f"{self.memory.location}.reviews.sqlite")


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
    try:
        file = JudgeFile.model_validate({str(key): value for key, value in data.items()})
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {_problems(error)}.") from None  # it would show a key
    base = path.expanduser().resolve().parent
    updates: dict[str, Any] = {}
    if file.memory.directory is not None:
        location = str(base / file.memory.directory.expanduser())
        updates["memory"] = file.memory.model_copy(update={"location": location})
    if file.reviews is not None:
        updates["reviews"] = str(base / Path(file.reviews).expanduser())
    elif file.memory.directory is None:
        updates["reviews"] = f"{path.with_suffix('')}.reviews.sqlite"
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
        raise ConfigurationError(f"{path}: this is not valid {kind}: {said:.300}.") from error
    if not isinstance(data, dict):
        raise ConfigurationError(
            f"{path}: found {'nothing' if data is None else type(data).__name__}; expected keys "
            f"and values: {', '.join(JudgeFile.model_fields)}."
        )
    return data


def _problems(error: ValidationError) -> str:
    sections: dict[str, type[BaseModel]] = {
        "memory": MemoryPlace,
        "model": ModelChoice,
        "distiller": ModelChoice,
    }
    said = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        *above, last = [str(part) for part in problem["loc"]] or [""]
        message = problem["msg"].removeprefix("Value error, ").rstrip(".")
        if problem["type"] == "missing":
            message = "is missing"
        elif problem["type"] == "extra_forbidden":
            known = sections.get(above[0] if above else "", JudgeFile).model_fields
            near = difflib.get_close_matches(last, known, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            message = f"found the unknown key {last!r}{hint}; expected some of {', '.join(known)}"
        said.append(f"{'.'.join([*above, last])}: {message}".removeprefix(": "))
    return "; ".join(dict.fromkeys(said))


_MEANINGS = {"true": "appropriate", "false": "not appropriate"}
_TEMPLATE = """\
# A judge for `memalign`. Paths are relative to this file.

# What the judge learns is kept under its name: under another name it knows nothing.
name{is_} {name}

# What it judges, in your words.
instructions{is_} {instructions}

# What a verdict may be: "bool", a scale ("1-5", "0.0-1.0"), labels (["good", "fair", "bad"];
# ["A", "B", "tie"] for pairs), or a JSON schema.
value_type{is_} {value_type}

# What the values mean, and what people are asked if it is not the instructions:
#   value_meanings{is_} {meanings}
#   question{is_} "Would you send this reply?"

# The model: provider:name, with its key in the environment (OPENAI_API_KEY). "precedent" needs
# neither key nor network: it lets past cases vote. Your own server, or other options:
#   model{is_} {{name{is_} "openai:my-model", base_url{is_} "http://localhost:8080/v1"}}
model{is_} {model}

# The embeddings: "local" (no key; extra `local`) or provider:name. A memory accepts no others
# than those it was made with.
embeddings{is_} {embeddings}

# The memory: a directory, or a Qdrant server:
#   memory{is_} {{location{is_} "https://...:6333", api_key{is_} "${{QDRANT_API_KEY}}"}}
memory{is_} {memory}

# Which verdicts `memalign review` asks about: "always", "uncertain", "never".
review{is_} "always"

# Further settings, with their defaults or an example:
# distiller{is_} {model}   # the chat model that learns, if it is not the one that judges;
#                       a decision model, such as "openai-decisions:gpt-6-luna", needs one
# probabilities{is_} "logprobs"   # how likely each value is, from a chat model's tokens
# aggregate{is_} "mean"        # the value to report then: "mode" or, on a scale, "mean"
# k{is_} 5                     # how many past cases the model is shown at most
# principle_tokens{is_} 2000   # most tokens of principles that are shown
# case_tokens{is_} 32000       # most tokens of the case
# episode_tokens{is_} 2000     # most tokens of each past case
# distant{is_} 0.3             # a past case less similar than this is no precedent
# on_recall_failure{is_} "raise"   # or "principles": if past cases cannot be looked up
# prompt{is_} "compact"         # for a small model; by default its profile decides
# structured_output{is_} {{method{is_} "function_calling"}}   # for with_structured_output
# reviews{is_} "memory.reviews.sqlite"   # where unfinished reviews are kept
"""


def judge_file_text(*, toml: bool, **values: Any) -> str:
    """The text of a commented judge file.

    Args:
        toml: TOML instead of YAML.
        **values: name, instructions, value_type, model, embeddings and memory.
    """
    # A JSON string, or list of strings, is one in YAML and in TOML, too.
    written = {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}
    # An inline table of TOML, a flow mapping of YAML.
    pairs = [f'{key}{" =" if toml else ":"} "{words}"' for key, words in _MEANINGS.items()]
    meanings = f"{{{', '.join(pairs)}}}"
    return _TEMPLATE.format(is_=" =" if toml else ":", meanings=meanings, **written)
