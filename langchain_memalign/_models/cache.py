"""A LangChain model cache that keeps only replies that were understood."""

from __future__ import annotations

from typing import Any

from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.globals import get_llm_cache
from langchain_core.language_models import BaseChatModel


def active_cache(model: BaseChatModel) -> BaseCache | None:
    """The cache that LangChain would use for `model`."""
    if isinstance(model.cache, BaseCache):
        return model.cache
    return None if model.cache is False else get_llm_cache()


class UnderstoodOnly(BaseCache):
    """Holds new replies back until `keep` is called.

    Without it a malformed reply would be cached and come back on every later attempt at the same
    prompt. One instance serves one call.
    """

    def __init__(self, inner: BaseCache) -> None:
        self._inner = inner
        self._held: list[tuple[str, str, RETURN_VAL_TYPE]] = []

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Look up in the wrapped cache."""
        return self._inner.lookup(prompt, llm_string)

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Look up in the wrapped cache."""
        return await self._inner.alookup(prompt, llm_string)

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Hold a reply back."""
        self._held.append((prompt, llm_string, return_val))

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Hold a reply back."""
        self.update(prompt, llm_string, return_val)

    def keep(self) -> None:
        """Pass on what was held back."""
        while self._held:
            self._inner.update(*self._held.pop(0))

    async def akeep(self) -> None:
        """Pass on what was held back."""
        while self._held:
            await self._inner.aupdate(*self._held.pop(0))

    def clear(self, **kwargs: Any) -> None:
        """Clear the wrapped cache."""
        self._inner.clear(**kwargs)
