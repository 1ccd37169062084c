"""What is known of a chat model before it is asked: its window, and what its provider takes."""

from __future__ import annotations

from urllib.parse import urlsplit

from langchain_core.language_models import BaseChatModel

SMALL_WINDOW = 16_384
"""A model whose window is no larger, in tokens, counts as a small one."""

# Providers whose own schemas know no lengths: OpenAI's strict ones refuse them
# (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas).
_WITHOUT_LENGTHS = ("openai.com", "azure.com", "anthropic.com", "googleapis.com", "x.ai")
_OWN_SERVER = {"ChatOllama", "ChatLlamaCpp"}


def window_of(model: BaseChatModel) -> int | None:
    """How many tokens a prompt may have, by the model's LangChain profile; None if it tells not."""
    window = (model.profile or {}).get("max_input_tokens")
    return window if isinstance(window, int) and window > 0 else None


def is_small(window: int | None) -> bool:
    """Whether a model's window is that of a small model."""
    return window is not None and window <= SMALL_WINDOW


def takes_lengths(model: BaseChatModel) -> bool:
    """Whether the schema of a reply may bound texts (`maxLength`) and lists (`maxItems`).

    So it is with one's own model server: llama.cpp, vLLM and Ollama hold a reply to its schema.
    Where that is not known, lengths are left out, since a provider may refuse the whole schema.
    """
    names = {kind.__name__ for kind in type(model).__mro__}
    if names & _OWN_SERVER:
        return True
    url = getattr(model, "openai_api_base", None)
    if "BaseChatOpenAI" not in names or not isinstance(url, str):
        return False
    host = (urlsplit(url).hostname or "").casefold()
    return bool(host) and not any(
        host == known or host.endswith(f".{known}") for known in _WITHOUT_LENGTHS
    )
