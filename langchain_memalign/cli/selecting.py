"""Which episodes are meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from langchain_memalign._content import canonical
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Episode


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Episodes that fit all that is given.

    Attributes:
        ids: Their ids.
        reviewer: Who said it.
        before: Said before this moment.
        contains: A text in the case or in what was said, in any case of letters.
    """

    ids: Sequence[str] | None = None
    reviewer: str | None = None
    before: datetime | None = None
    contains: str | None = None

    def __post_init__(self) -> None:
        if not self.ids and self.reviewer is None and self.before is None and not self.contains:
            raise InvalidInputError(
                "found nothing that says what to forget; expected ids, --reviewer, --before or "
                "--contains."
            )

    def of_ids(self, ids: Sequence[str]) -> Self:
        """The same, with the ids in full."""
        return replace(self, ids=ids)

    def fits(self, episode: Episode) -> bool:
        """Whether an episode is meant."""
        return (
            (not self.ids or episode.id in self.ids)
            and (self.reviewer is None or episode.reviewer == self.reviewer)
            and (self.before is None or episode.created_at < self.before)
            and (not self.contains or _says(episode, self.contains))
        )


def _says(episode: Episode, text: str) -> bool:
    case = episode.case
    contents = [case.inputs, case.outputs, case.reference_outputs]
    words = [episode.rationale, episode.judge_rationale, episode.reviewer, episode.value]
    # Text that is compared as JSON is found across no quotation mark and no line break of its own.
    wanted = canonical(text)[1:-1].casefold()
    return wanted in canonical([*contents, *words, episode.judge_value]).casefold()
