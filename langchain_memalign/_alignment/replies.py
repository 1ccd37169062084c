"""Reading what a model replied that distilled episodes, or compared principles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_memalign._alignment.merging import Candidate, Decision
from langchain_memalign.schema import Episode, Principle


class DistillingReply:
    """Reads what was distilled, where records and principles have short ids."""

    def __init__(self, records: Sequence[Episode], known: Sequence[Principle]) -> None:
        self._records = {f"R{i}": episode.id for i, episode in enumerate(records, 1)}
        self._known = {f"P{i}": principle.id for i, principle in enumerate(known, 1)}

    def read(self, data: dict[str, Any]) -> tuple[tuple[Candidate, ...] | None, str | None]:
        items = data.get("principles")
        if not isinstance(items, list):
            return None, "it has no list under the key 'principles'."
        read = [self._item(item) for item in items]
        candidates = tuple(c for c in read if isinstance(c, Candidate))
        problems = [problem for problem in read if isinstance(problem, str)]
        if not problems:
            return candidates, None
        # Without citations there is no telling which records a broken reply has dealt with.
        cited = tuple(c for c in candidates if len(c.sources) < len(self._records))
        return cited or None, f"item {problems[0]}"

    def _item(self, item: Any) -> Candidate | str:
        if not isinstance(item, dict) or not isinstance(text := item.get("text"), str):
            return f"{str(item)[:120]!r} is no object with a 'text'."
        # Models also write half a character, which nothing could store.
        text = " ".join(text.encode("utf-8", errors="replace").decode("utf-8").split())
        sources, relation = item.get("sources", []), item.get("relation", "add")
        target = item.get("target") or ""
        if not text or not isinstance(sources, list) or not isinstance(target, str):
            return f"{text[:80]!r} needs a text, a list 'sources' and a text 'target'."
        if relation not in ("add", "same", "replaces"):
            return f"{text[:80]!r} has the relation {relation!r:.40}."
        # Invented ids are dropped; without any source, the whole batch is the source, and what
        # repeats or replaces nothing that is known is new.
        cited = [self._records[s] for s in sources if isinstance(s, str) and s in self._records]
        known = self._known.get(target, "")
        return Candidate(
            text=text,
            sources=tuple(dict.fromkeys(cited or self._records.values())),
            is_cited=bool(cited) or len(self._records) == 1,
            relation=relation if known else "add",
            target=known,
        )


class ReconcilingReply:
    """Reads which principles repeat or contradict each other."""

    def __init__(self, shown: Sequence[Principle]) -> None:
        self._ids = {f"P{i}": principle.id for i, principle in enumerate(shown, 1)}

    def read(self, data: dict[str, Any]) -> tuple[tuple[Decision, ...] | None, str | None]:
        items = data.get("decisions")
        if not isinstance(items, list):
            return None, "it has no list under the key 'decisions'."
        decisions: list[Decision] = []
        for item in items:
            if not isinstance(item, dict):
                return tuple(decisions), f"{str(item)[:120]!r} is no object."
            going, staying = (self._ids.get(str(item.get(k))) for k in ("principle", "target"))
            if going and staying:  # invented ids are dropped
                is_replaced = item.get("relation") == "replaced"
                decisions.append(Decision(going, staying, "replaced" if is_replaced else "same"))
        return tuple(decisions), None
