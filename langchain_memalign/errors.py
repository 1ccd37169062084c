"""Everything that langchain-memalign raises.

    MemAlignError
    ├── InvalidInputError           what was passed in is not usable (also a ValueError)
    ├── ConfigurationError          the parts do not fit together: model, embeddings, extras
    ├── ModelError                  the chat or embedding model refused or failed for good
    ├── SourceError                 where feedback is imported from failed; run the import again
    ├── GuardrailError              a guardrail let something not pass; carries the verdict
    └── MemoryStoreError            the memory could not do what was asked
        ├── MemoryLockedError       another process holds the memory
        ├── MemoryUnavailableError  gone, full, read-only or too slow
        ├── MemoryCorruptError      what was found is not a memory that can be read
        └── EmbeddingMismatchError  the memory was made with other embeddings

Every message says what was found, what was expected, and what to do about it.
"""

from typing import Any

__all__ = [
    "ConfigurationError",
    "EmbeddingMismatchError",
    "GuardrailError",
    "InvalidInputError",
    "MemAlignError",
    "MemoryCorruptError",
    "MemoryLockedError",
    "MemoryStoreError",
    "MemoryUnavailableError",
    "ModelError",
    "SourceError",
]


class MemAlignError(RuntimeError):
    """Root of all errors of this package.

    A `RuntimeError`, since the LangGraph server passes on the messages of built-in kinds only.
    """


class InvalidInputError(MemAlignError, ValueError):
    """What was passed in cannot be used; nothing was changed."""


class ConfigurationError(MemAlignError):
    """The judge, its model, its embeddings or an optional extra is set up wrongly."""


class ModelError(MemAlignError):
    """A chat model or an embedding model failed.

    Attributes:
        status: HTTP status of the failure, if there was one.
        retry_after: How many seconds the provider asked to wait, if it did.
        transient: Whether the same call may succeed later.
        attempts: How many calls were made before giving up.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        transient: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.transient = transient
        self.attempts = 1

    @property
    def is_refused_access(self) -> bool:
        """Whether no record could ever succeed: wrong key, no permission, unknown model."""
        return self.status in (401, 403, 404)


class SourceError(MemAlignError):
    """The system that feedback is imported from failed; what was read before is kept."""


class GuardrailError(MemAlignError):
    """A guardrail did not let a reply, or a user's input, pass.

    Attributes:
        judge: The judge's name.
        verdict: Its `Verdict`, which does not pass, or the `Unscored` that says why there is none.
    """

    def __init__(self, message: str, *, judge: str | None = None, verdict: Any = None) -> None:
        super().__init__(message)
        self.judge = judge
        self.verdict = verdict


class MemoryStoreError(MemAlignError):
    """The memory could not read or write.

    Attributes:
        status: The HTTP status that a server answered with, if one did.
    """

    status: int | None = None


class MemoryLockedError(MemoryStoreError):
    """The memory is held by another process, or its directory by another `Memory` of this one."""


class MemoryUnavailableError(MemoryStoreError):
    """The memory is closed, gone, full, read-only or does not answer."""


class MemoryCorruptError(MemoryStoreError):
    """The location holds something that is not a readable memory; nothing was changed."""


class EmbeddingMismatchError(MemoryStoreError):
    """The memory holds vectors of another embedding model or size."""
