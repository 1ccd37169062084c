"""What may be passed to a judge's methods, checked before anything is asked, paid or learned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from langchain_memalign._models import is_decision_model
from langchain_memalign._values.types import ValueType
from langchain_memalign.errors import ConfigurationError, InvalidInputError
from langchain_memalign.schema import Episode, GateDecision

T = TypeVar("T")


def check_gate(gate: Any) -> None:
    """Refuse what cannot decide, before anything is learned or paid.

    Raises:
        InvalidInputError: It is no gate.
    """
    # A class is callable too, but gives an object, not a decision.
    if gate is not None and (isinstance(gate, type) or not callable(gate)):
        raise InvalidInputError(
            f"gate: found {gate!r:.80}; expected a callable, such as EvidenceGate() of "
            "langchain_memalign.evaluation, or None for no gate."
        )


def checked_decision(said: Any) -> GateDecision:
    """What a gate returned.

    Raises:
        ConfigurationError: It is no decision.
    """
    if not isinstance(said, GateDecision):
        raise ConfigurationError(
            f"gate: found a {type(said).__name__} as its decision; expected a GateDecision."
        )
    return said


def check_no_options(options: Mapping[str, Any]) -> None:
    """Refuse options that a judge does not have.

    Raises:
        InvalidInputError: There are some.
    """
    if options:
        raise InvalidInputError(
            f"found {', '.join(sorted(options))}; a judge takes a case and a config only. Give "
            "options of the model to the model itself, such as model.bind(...) or its parameters."
        )


def check_probabilities(
    value_type: ValueType, model: Any, probabilities: Any, aggregate: Any
) -> None:
    """Refuse a way to probabilities that the model or the values do not have.

    Raises:
        InvalidInputError: There is no such way, or the mean is asked for where there is none.
    """
    one_of((None, "logprobs"), "probabilities", probabilities)
    one_of((None, "mode", "mean"), "aggregate", aggregate)
    decides = is_decision_model(model)
    if decides and probabilities is not None:
        raise InvalidInputError(
            f"probabilities: found {probabilities!r} and a decision model; expected None: it gives "
            "probabilities by itself."
        )
    if probabilities is not None and getattr(model, "use_responses_api", None):
        raise InvalidInputError(
            f"probabilities: found {probabilities!r} and a model that is asked by OpenAI's "
            "Responses API, through which LangChain gets no log probabilities; expected one with "
            "use_responses_api=False."
        )
    if aggregate == "mean" and not value_type.is_ordered:
        raise InvalidInputError(
            f"aggregate: found 'mean' of {value_type.describe()}; expected 'mode': only a scale "
            "has a mean."
        )
    if aggregate is not None and not decides and probabilities is None:
        raise InvalidInputError(
            f"aggregate: found {aggregate!r} without probabilities; expected None, or "
            "probabilities='logprobs' with it."
        )


def check_alignment(gate: Any, max_concurrency: Any) -> None:
    """Refuse a gate or a number of calls that cannot be used.

    Raises:
        InvalidInputError: One of the two is not usable.
    """
    if type(max_concurrency) is not int or max_concurrency < 1:
        raise InvalidInputError(
            f"max_concurrency: found {max_concurrency!r:.40}; expected a whole number >= 1."
        )
    check_gate(gate)


def check_health(sample: Any, seed: Any, max_concurrency: Any, progress: Any) -> None:
    """Refuse limits that cannot be used.

    Raises:
        InvalidInputError: One is not usable.
    """
    check_calibration(None, max_concurrency, progress)
    if sample is not None:
        at_least(0, "sample", sample)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise InvalidInputError(f"seed: found {seed!r:.80}; expected a whole number.")


def check_calibration(limit: Any, max_concurrency: Any, progress: Any) -> None:
    """Refuse limits that cannot be used.

    Raises:
        InvalidInputError: One is not usable.
    """
    at_least(1, "max_concurrency", max_concurrency)
    if limit is not None:
        at_least(0, "limit", limit)
    if progress is not None and not callable(progress):
        raise InvalidInputError(
            f"progress: found {progress!r:.80}; expected a function of how many are done and how "
            "many there are, or None."
        )


def forgotten(
    episode_ids: Iterable[str] | None,
    source_ids: Iterable[str] | None,
    reviewer: str | None,
    before: datetime | None,
    where: Callable[[Episode], bool] | None,
) -> Callable[[Episode], bool]:
    """Which episodes fit all that is given.

    Raises:
        InvalidInputError: Nothing is given, or something that is not usable.
    """
    ids = _ids("episode_ids", episode_ids)
    sources = _ids("source_ids", source_ids)
    if before is not None and (not isinstance(before, datetime) or before.tzinfo is None):
        raise InvalidInputError(
            f"before: found {before!r:.80}; expected an aware datetime, such as datetime.now(UTC)."
        )
    if (ids, sources, reviewer, before, where) == (None, None, None, None, None):
        raise InvalidInputError(
            "nothing says what to forget; give episode_ids, source_ids, reviewer, before or "
            "where. To forget everything, where=lambda episode: True."
        )

    def fits(episode: Episode) -> bool:
        return (
            (ids is None or episode.id in ids)
            and (sources is None or episode.source_id in sources)
            and (reviewer is None or episode.reviewer == reviewer)
            and (before is None or episode.created_at < before)
            and (where is None or where(episode))
        )

    return fits


def _ids(name: str, given: Iterable[str] | None) -> frozenset[str] | None:
    if isinstance(given, str):
        raise InvalidInputError(f"{name}: found one string; expected a list of ids.")
    return None if given is None else frozenset(given)


def at_least(least: int, name: str, number: int) -> int:
    """The number, if it is a whole one and not below the least.

    Raises:
        InvalidInputError: It is not.
    """
    if type(number) is not int or number < least:
        raise InvalidInputError(
            f"{name}: found {number!r:.40}; expected a whole number >= {least}."
        )
    return number


def one_of(known: Sequence[T], name: str, choice: T) -> T:
    """The choice, if it is one of the known.

    Raises:
        InvalidInputError: It is not.
    """
    if choice not in known:
        raise InvalidInputError(
            f"{name}: found {choice!r:.40}; expected {' or '.join(map(repr, known))}."
        )
    return choice


def share(name: str, number: float) -> float:
    """The number, if it lies between 0 and 1.

    Raises:
        InvalidInputError: It does not.
    """
    if not isinstance(number, float) or not 0 < number < 1:  # NumPy's is a float, too
        raise InvalidInputError(
            f"{name}: found {number!r:.40}; expected a number between 0 and 1, such as 0.95."
        )
    return float(number)


def cosine(name: str, number: float) -> float:
    """The number, if a cosine can be it.

    Raises:
        InvalidInputError: It is not from -1 to 1.
    """
    if type(number) not in (int, float) or not -1 <= number <= 1:
        raise InvalidInputError(f"{name}: found {number!r:.40}; expected a number from -1 to 1.")
    return number
