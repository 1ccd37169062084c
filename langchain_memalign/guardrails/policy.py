"""What a guardrail does with a judgement: pure decisions, the same for chains and for agents."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from typing_extensions import TypedDict

from langchain_memalign._calibration.promise import AtLeast
from langchain_memalign._values.types import JudgeSpec, ValueType
from langchain_memalign.errors import (
    ConfigurationError,
    InvalidInputError,
    MemAlignError,
    MemoryLockedError,
    MemoryUnavailableError,
    ModelError,
)
from langchain_memalign.schema import Case, Unscored, Value, Verdict

Action: TypeAlias = Literal["pass", "raise", "replace", "retry", "review"]
OnFail: TypeAlias = Literal["raise", "replace", "retry", "review"]
Otherwise: TypeAlias = Literal["raise", "replace", "review"]
Trouble: TypeAlias = Literal["unscored", "outage", "error", "timeout"]
"""Why there is no verdict.

The judge was asked and reached none; the model or the memory could not be reached; either failed
for good, or the case is not usable; or it took longer than the policy waits.
"""
Message: TypeAlias = str | Mapping[str, Any] | Callable[[Verdict | Unscored], Any]

WITHHELD = "This answer was withheld by a guardrail."

_log = logging.getLogger(__name__)


class PolicyOptions(TypedDict, total=False):
    """The fields of `GuardrailPolicy`, as keyword arguments."""

    on_fail: OnFail
    message: Message
    retries: int
    otherwise: Otherwise
    threshold: float | None
    passes: Collection[Value] | None
    fail_open: bool | Collection[Trouble]
    timeout: float | None
    sure: AtLeast | float | None


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What came of asking the judge.

    Attributes:
        judge: The judge's identity, as its source names it.
        spec: What it is asked, and which values it may give; None if it could not be had.
        case: What was judged; None if it was not usable as a case.
        outcome: The verdict, or why there is none.
        trouble: Which kind of trouble an `Unscored` is of; None for a verdict.
        error: What was raised, where something was.
        is_sure: Whether the judge is as sure as the policy wants it.
    """

    judge: dict[str, Any]
    spec: JudgeSpec | None
    case: Case | None
    outcome: Verdict | Unscored
    trouble: Trouble | None = None
    error: MemAlignError | None = None
    is_sure: bool = True


@dataclass(frozen=True, kw_only=True)
class GuardrailPolicy:
    """What passes, and what happens to what does not.

    Attributes:
        on_fail: "raise" a `GuardrailError`; "replace" by the message; "retry" with the judge's
            rationale as feedback; or "review": wait for a person, whose answer decides and is
            learned.
        message: What replaces something refused: a text, which takes the place of the answer's text
            if it is clear which that is; a mapping, as it is; or a function of the outcome that
            returns the replacement. Also used if a person refuses.
        retries: How often one reply is retried at most.
        otherwise: What happens to a reply that is still refused after all retries, or that has no
            verdict, which a retry does not change.
        threshold: The least number that passes, for judges that give numbers.
        passes: The values that pass, for any other judge. By default true passes.
        fail_open: Whether what could not be judged passes: always, never, or for "unscored" (the
            judge abstained), "outage" (the model or the memory could not be reached, or not for
            now), "error" (any failure: an outage, and also a refused key or request, a broken
            memory, a case that is not usable) or "timeout" only. What passes unjudged is logged as
            a warning.
        timeout: How many seconds to wait for the judge.
        sure: When a refusal takes effect by itself: `AtLeast(agreement=0.9)`, if that promise
            covers it; or a number, the least confidence. A refusal that is less sure waits for a
            person, whatever `on_fail` says. None accepts every refusal.

    Raises:
        InvalidInputError: An option is none of these.
    """

    on_fail: OnFail = "raise"
    message: Message = WITHHELD
    retries: int = 2
    otherwise: Otherwise = "raise"
    threshold: float | None = None
    passes: Collection[Value] | None = None
    fail_open: bool | Collection[Trouble] = False
    timeout: float | None = None
    sure: AtLeast | float | None = None

    def __post_init__(self) -> None:
        _one_of("on_fail", self.on_fail, get_args(OnFail))
        _one_of("otherwise", self.otherwise, get_args(Otherwise))
        _expect(
            isinstance(self.message, str | Mapping) or callable(self.message),
            "message",
            self.message,
            "a text, a mapping, or a function of the verdict",
        )
        _expect(
            type(self.retries) is int and self.retries >= 1,
            "retries",
            self.retries,
            "a whole number >= 1",
        )
        _expect(
            self.timeout is None or (_is_number(self.timeout) and self.timeout > 0),
            "timeout",
            self.timeout,
            "seconds > 0, or None",
        )
        _expect(
            self.sure is None
            or isinstance(self.sure, AtLeast)
            or (_is_number(self.sure) and 0 <= self.sure <= 1),
            "sure",
            self.sure,
            "AtLeast(agreement=...), a confidence from 0 to 1, or None",
        )
        _expect(
            self.passes is None
            or (isinstance(self.passes, Collection) and not isinstance(self.passes, str)),
            "passes",
            self.passes,
            "a list of values",
        )
        if not isinstance(self.fail_open, bool):
            troubles = self.fail_open
            _expect(
                isinstance(troubles, Collection) and not isinstance(troubles, str),
                "fail_open",
                troubles,
                f"True, False, or a list of {', '.join(get_args(Trouble))}",
            )
            for trouble in troubles:
                _one_of("fail_open", trouble, get_args(Trouble))

    @property
    def may_review(self) -> bool:
        """Whether a human may be asked."""
        return "review" in self._ends

    @property
    def may_replace(self) -> bool:
        """Whether something may be put in the place of what is judged."""
        return not self._ends.isdisjoint(("replace", "review"))

    @property
    def _ends(self) -> set[str]:
        ends: set[str] = {self.on_fail}
        if self.on_fail == "retry":
            ends.add(self.otherwise)
        return ends if self.sure is None else ends | {"review"}

    def check_fits(self, value_type: ValueType) -> None:
        """Refuse a judge whose values this policy cannot tell apart.

        Raises:
            ConfigurationError: Nothing says which values pass, or what says so is of another type.
        """
        found = f"the judge gives {value_type.describe()}"
        if self.threshold is not None:
            fits = value_type.kind in ("integer", "number") and _is_number(self.threshold)
            if not fits or self.passes is not None:
                raise ConfigurationError(
                    f"threshold: found {self.threshold!r:.60}, and {found}; expected a number, "
                    "a judge that gives numbers, and no passes beside it. Otherwise give passes."
                )
            if not value_type.minimum < self.threshold <= value_type.maximum:
                raise ConfigurationError(
                    f"threshold: found {self.threshold}, and {found}; expected a threshold that "
                    "some of these values reach and others do not."
                )
        elif self.passes is not None:
            try:
                for value in self.passes:
                    value_type.check(value)
            except InvalidInputError as error:
                raise ConfigurationError(f"passes: {error}") from error
        elif value_type.kind != "boolean":
            raise ConfigurationError(
                f"{found}; found neither threshold nor passes, so nothing says which values pass. "
                "Give threshold for numbers, or passes, a list of values."
            )

    def allows(self, value: Value) -> bool:
        """Whether a value passes."""
        if self.threshold is not None:
            return isinstance(value, int | float) and value >= self.threshold
        passing = (True,) if self.passes is None else self.passes
        return any(type(value) is type(good) and value == good for good in passing) or (
            isinstance(value, float) and value in passing
        )

    def lets_pass(self, judged: Judged) -> bool:
        """Whether something passes that was judged so."""
        if isinstance(judged.outcome, Verdict):
            return self.allows(judged.outcome.value)
        if isinstance(self.fail_open, bool):
            return self.fail_open
        is_failure = judged.trouble in ("outage", "error")
        return judged.trouble in self.fail_open or (is_failure and "error" in self.fail_open)

    def decide(self, judged: Judged, *, retried: int = 0) -> Action:
        """What happens to something that was judged so.

        Args:
            judged: What came of asking the judge.
            retried: How many retries there were.
        """
        if self.lets_pass(judged):
            if isinstance(judged.outcome, Unscored):
                _log.warning("a guardrail passed what was not judged: %s", judged.outcome.reason)
            return "pass"
        if isinstance(judged.outcome, Verdict) and not judged.is_sure:
            return "review"
        if self.on_fail != "retry":
            return self.on_fail
        if isinstance(judged.outcome, Verdict) and retried < self.retries:
            return "retry"
        return self.otherwise

    def replacement(self, outcome: Verdict | Unscored) -> Any:
        """What stands in for what was refused."""
        if isinstance(self.message, Mapping):
            return copy.deepcopy(dict(self.message))  # whoever gets it may change it
        return self.message if isinstance(self.message, str) else self.message(outcome)


def trouble_of(error: MemAlignError) -> Trouble:
    """Whether what was raised is an outage, which may pass by itself, or another error."""
    if isinstance(error, ModelError):
        return "outage" if error.transient else "error"
    if isinstance(error, MemoryUnavailableError | MemoryLockedError):
        return "error" if error.status in (401, 403) else "outage"
    return "error"


def _is_number(value: object) -> bool:
    # NumPy's is a float, True an int.
    return (isinstance(value, float) or type(value) is int) and math.isfinite(value)


def _one_of(name: str, found: object, allowed: tuple[str, ...]) -> None:
    _expect(found in allowed, name, found, f"one of {', '.join(allowed)}")


def _expect(fits: bool, name: str, found: object, expected: str) -> None:
    if not fits:
        raise InvalidInputError(f"{name}: found {found!r:.60}; expected {expected}.")
