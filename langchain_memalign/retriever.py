"""Episodic memory as a LangChain retriever."""

from __future__ import annotations

import sys
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from langchain_memalign._prompts.content import embedding_texts
from langchain_memalign.memory import Memory
from langchain_memalign.schema import Case, Episode, Recalled

# Principles are not asked for, so none need be ranked.
_ALL = sys.maxsize


class EpisodeRetriever(BaseRetriever):
    """Finds past cases with what experts said about them: for few-shot examples, search, evidence.

    A document's text is the case. Its metadata holds `episode_id`, `similarity` (-1 to 1), `value`,
    `rationale`, `reviewer`, `judge_value`, `judge_rationale`, `status`, `created_at`, the `judge`,
    and `also`: what other reviewers said about the same case.

    Attributes:
        memory: The memory to search.
        judge: The name of the judge whose episodes are searched.
        k: How many are returned at most; a call may ask for another number.
    """

    memory: Memory
    judge: str
    k: int = Field(default=5, ge=0)

    def _get_relevant_documents(
        self,
        query: str | Case | dict[str, Any],
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
    ) -> list[Document]:
        found = self.memory.recall(
            self.judge, _case(query), k=self.k if k is None else k, principle_tokens=_ALL
        )
        return [self._document(recalled) for recalled in found.episodes]

    async def _aget_relevant_documents(
        self,
        query: str | Case | dict[str, Any],
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        k: int | None = None,
    ) -> list[Document]:
        found = await self.memory.arecall(
            self.judge, _case(query), k=self.k if k is None else k, principle_tokens=_ALL
        )
        return [self._document(recalled) for recalled in found.episodes]

    def _document(self, recalled: Recalled) -> Document:
        episode = recalled.episode
        return Document(
            id=episode.id,
            page_content="\n\n".join(text for text in embedding_texts(episode.case) if text),
            metadata={
                "judge": self.judge,
                "similarity": recalled.similarity,
                **_said(episode),
                "also": [_said(other) for other in recalled.also],
            },
        )


def _case(query: str | Case | dict[str, Any]) -> Case:
    return Case(inputs=query) if isinstance(query, str) else Case.of(query)


def _said(episode: Episode) -> dict[str, Any]:
    said = episode.model_dump(mode="json", exclude={"id", "case", "updated_at"})
    return {"episode_id": episode.id, **said}
