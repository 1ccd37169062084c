"""How a judge judges many cases: side by side, and embedded many in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Self, TypeAlias

from langchain_core.runnables import Runnable, RunnableConfig

from langchain_memalign.judge.flows import JudgeFlows
from langchain_memalign.judge.twin import twin
from langchain_memalign.schema import Case, Unscored, Verdict

CaseLike: TypeAlias = Case | Mapping[str, Any]
Outcome: TypeAlias = Verdict | Unscored


class Batching(Runnable[CaseLike, Outcome]):
    """The half of a judge that judges many cases.

    Attributes:
        flows: The judge's operations as flows, for code that serves sync and async callers alike.
    """

    flows: JudgeFlows

    def embedding_ahead(self, cases: Iterable[CaseLike]) -> Self:
        """The same judge, for who will have it judge these cases in a way of their own.

        It embeds up to 50 cases in one call, when the first of them is judged, and holds their
        vectors until each is. A call that fails fails none of them: each is then embedded alone.
        `batch` and `abatch` do this by themselves. Who is judged meanwhile waits for that call, so
        do not call `invoke` on the thread of an event loop on which `ainvoke` is under way.

        Args:
            cases: What will be judged, in about this order. Those that are not usable are left to
                the call that judges them.
        """
        usable = []
        for case in cases:
            # Whatever is wrong with it: a mapping may be any code that fetches what it holds.
            with suppress(Exception):
                usable.append(Case.of(case))
        return twin(self, flows=self.flows.embedding_ahead(usable))

    def batch(
        self,
        inputs: list[CaseLike],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Outcome]:
        """Judge cases side by side in threads; see `Runnable.batch`.

        Args:
            inputs: The cases.
            config: As for `invoke`; its `max_concurrency` says how many at a time.
            return_exceptions: Give an error in the place of its outcome, instead of raising it.
            kwargs: Not used.
        """
        return Runnable.batch(
            self.embedding_ahead(inputs),
            inputs,
            config,
            return_exceptions=return_exceptions,
            **kwargs,
        )

    async def abatch(
        self,
        inputs: list[CaseLike],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Outcome]:
        """Async `batch`: side by side on the event loop; all at once without `max_concurrency`."""
        # Off the loop: looking through 10,000 cases takes a second.
        ahead = await asyncio.to_thread(self.embedding_ahead, inputs)
        return await Runnable.abatch(
            ahead,
            inputs,
            config,
            return_exceptions=return_exceptions,
            **kwargs,
        )
