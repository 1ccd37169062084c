"""What a judge does, each operation written once as a flow (see `langchain_memalign.flow`)."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, merge_configs

from langchain_memalign._alignment import Cost, Learner
from langchain_memalign._memory.records import MemoryFlows
from langchain_memalign._memory.search import OnRecallFailure, recall, recollect
from langchain_memalign._memory.selection import Recollection, assemble
from langchain_memalign._models import StructuredModel
from langchain_memalign._prompts.judging import VERDICT_REPLY, JudgePrompt, judge_prompt
from langchain_memalign._results import run_metadata
from langchain_memalign._values import JudgeSpec, ValueType
from langchain_memalign.errors import InvalidInputError, ModelError
from langchain_memalign.flow import Flow
from langchain_memalign.schema import (
    Case,
    Latency,
    Principle,
    Unscored,
    Value,
    Verdict,
    WorkingMemory,
)


@dataclass(frozen=True, kw_only=True)
class Budgets:
    """How much of everything goes into a judge's prompt.

    Attributes:
        k: Most episodes shown.
        principle_tokens: Token budget of the principles.
        case_tokens: Token budget of the case's texts.
        episode_tokens: Token budget of the texts of each episode.
        distant: Below this similarity even the nearest episode is called distant.
    """

    k: int
    principle_tokens: int
    case_tokens: int
    episode_tokens: int
    distant: float


class JudgeFlows:
    """The operations of a `MemAlignJudge`, for code that serves sync and async callers alike.

    Attributes:
        spec: Name, instructions and value type.
        memory: Where the judge remembers.
        budgets: How much goes into a prompt.
        on_recall_failure: What is done when past cases cannot be looked up.
    """

    def __init__(
        self,
        spec: JudgeSpec,
        memory: MemoryFlows,
        model: StructuredModel,
        budgets: Budgets,
        *,
        on_recall_failure: OnRecallFailure = "raise",
    ) -> None:
        self.spec = spec
        self.memory = memory
        self.budgets = budgets
        self.on_recall_failure = on_recall_failure
        self._model = model

    def over(self, memory: MemoryFlows) -> JudgeFlows:
        """The operations of the same judge over another memory."""
        twin = copy.copy(self)
        twin.memory = memory
        return twin

    def embedding_ahead(self, cases: Iterable[Case]) -> JudgeFlows:
        """The operations of the same judge, for judging these cases: embeds many in one call."""
        return self.over(self.memory.embedding_ahead(cases))

    def learner(self, config: RunnableConfig | None = None, **limits: int) -> Learner:
        """What an alignment of this judge works with; `limits` are fields of `Learner`."""
        return Learner(
            spec=self.spec, memory=self.memory, model=self._model, config=config, **limits
        )

    def judge(
        self,
        case: Case,
        *,
        exclude: AbstractSet[str] = frozenset(),
        config: RunnableConfig | None = None,
    ) -> Flow[tuple[Verdict | Unscored, Cost]]:
        """Recall what there is about a case and judge it.

        Args:
            case: What is judged.
            exclude: Ids of episodes that must not be recalled.
            config: Callbacks, tags and the like for the model's run.
        """
        started = time.perf_counter()
        memory = yield from self.recall(case, exclude=exclude)
        return (yield from self.decide(memory, case, recall_ms=_since(started), config=config))

    def recall(self, case: Case, *, exclude: AbstractSet[str] = frozenset()) -> Flow[WorkingMemory]:
        """Principles and episodes for a case."""
        return recall(
            self.memory,
            self.spec.name,
            case,
            k=self.budgets.k,
            principle_tokens=self.budgets.principle_tokens,
            exclude=exclude,
            on_failure=self.on_recall_failure,
        )

    def recollect(self, case: Case) -> Flow[Recollection]:
        """The episodes near to a case and, over budget, which principles are near. Embeds once."""
        known = yield from self.memory.knowledge(self.spec.name)
        return (
            yield from recollect(
                self.memory,
                self.spec.name,
                case,
                known=known,
                k=self.budgets.k,
                principle_tokens=self.budgets.principle_tokens,
                on_failure=self.on_recall_failure,
            )
        )

    def principles(self) -> Flow[tuple[Principle, ...]]:
        """All active principles. Embeds nothing."""
        return self.memory.active_principles(self.spec.name)

    def assemble(
        self, recollection: Recollection, principles: Sequence[Principle]
    ) -> WorkingMemory:
        """Put together what is shown, within the budget."""
        return assemble(recollection, principles, self.budgets.principle_tokens)

    def prompt(
        self, memory: WorkingMemory, case: Case, *, reply: str = VERDICT_REPLY
    ) -> JudgePrompt:
        """What the model is asked, within the budgets; `reply` is the answer that is wanted."""
        return judge_prompt(
            self.spec,
            memory,
            case,
            case_tokens=self.budgets.case_tokens,
            episode_tokens=self.budgets.episode_tokens,
            distant=self.budgets.distant,
            reply=reply,
        )

    def decide(
        self,
        memory: WorkingMemory,
        case: Case,
        *,
        recall_ms: float = 0.0,
        config: RunnableConfig | None = None,
    ) -> Flow[tuple[Verdict | Unscored, Cost]]:
        """Put working memory and the case before the model and read its verdict.

        Raises:
            ModelError: The provider refuses access. Any other failure ends `Unscored`.
        """
        value_type = self.spec.value_type
        prompt = self.prompt(memory, case)
        evidence: dict[str, Any] = {
            "principle_ids": tuple(p.id for p in memory.principles),
            "episode_ids": tuple(e.id for r in memory.episodes for e in (r.episode, *r.also)),
            "recall_problem": memory.recall_problem,
            "principles_total": memory.principles_total,
            "memory_fingerprint": memory.fingerprint,
        }
        config = merge_configs(
            ensure_config(config), {"metadata": run_metadata(self.spec.name, evidence)}
        )
        started = time.perf_counter()
        try:
            answer = yield from self._model.ask(
                prompt.messages,
                value_type.verdict_schema(),
                _reader(value_type, prompt),
                config=config,
            )
        except ModelError as error:
            if error.is_refused_access:
                raise
            latency = Latency(recall_ms=recall_ms, model_ms=_since(started))
            unscored = Unscored(reason=str(error), latency=latency, **evidence)
            return unscored, Cost(model_calls=error.attempts)
        evidence["latency"] = Latency(recall_ms=recall_ms, model_ms=_since(started))
        evidence["usage"] = answer.usage
        cost = Cost(model_calls=answer.calls, usage=answer.usage)
        if answer.value is None:
            problem = answer.problem or "the reply was empty."
            return Unscored(reason=problem, raw=_storable(answer.raw), **evidence), cost
        value, rationale, relied_on = answer.value
        verdict = Verdict(
            value=value,
            rationale=rationale,
            relied_on=relied_on,
            cut_tokens=prompt.cut_tokens,
            **evidence,
        )
        return verdict, cost


_Read = tuple[Value, str, tuple[str, ...]]


def _reader(
    value_type: ValueType, prompt: JudgePrompt
) -> Callable[[dict[str, Any]], tuple[_Read | None, str | None]]:
    def read(data: dict[str, Any]) -> tuple[_Read | None, str | None]:
        rationale, cited = data.get("rationale"), data.get("relied_on", [])
        if not isinstance(rationale, str) or not isinstance(cited, list):
            return None, "expected a text 'rationale', a list 'relied_on' and a 'value'."
        if "value" not in data:
            return None, f"it has no 'value'; expected {value_type.describe()}."
        try:
            value = value_type.check(data["value"])
        except InvalidInputError as error:
            return None, str(error)
        # Ids that were not shown are inventions of the model.
        names = dict.fromkeys(name for name in cited if isinstance(name, str))
        relied_on = tuple(id_ for name in names for id_ in prompt.ids.get(name, ()))
        return (value, _storable(rationale), relied_on), None

    return read


def _storable(text: str) -> str:
    """The text without halves of characters, which models also write and nothing can store."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
