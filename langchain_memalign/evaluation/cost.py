"""What an experiment cost: calls and tokens as counted, money by a table that users can replace."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.trials import Judgement, Training
from langchain_memalign.schema import Record

_Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class Price(Record):
    """Dollars per million tokens.

    Attributes:
        input: Of a prompt.
        output: Of a reply.
        cached_input: Of what the provider had in its prompt cache; None for the price of input.
    """

    input: _Dollars
    output: _Dollars
    cached_input: _Dollars | None = None


class Spent(Record):
    """What something cost.

    Attributes:
        model_calls: Calls of the chat model.
        embedded: Texts that were embedded to teach; those of cases to judge are not counted.
        input_tokens: Tokens of prompts, cached ones included.
        cached_tokens: Those of them that the provider had in its cache.
        output_tokens: Tokens of replies.
        uncounted: Model calls of which the model told no tokens.
        dollars: None where the model has no price, or told no tokens.
    """

    model_calls: int = 0
    embedded: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    uncounted: int = 0
    dollars: float | None = None


def read_prices(path: str | os.PathLike[str] | None = None) -> dict[str, Price]:
    """Read a table of prices by the model's name; without a path, the one that comes along.

    The file is JSON: `{"models": {"name": {"input": 0.4, "output": 1.6}}}`, in dollars per
    million tokens.

    Raises:
        InvalidInputError: It cannot be read.
    """
    try:
        if path is None:
            text = files(__package__).joinpath("prices.json").read_text(encoding="utf-8")
        else:
            text = Path(path).read_text(encoding="utf-8")
        models = json.loads(text)["models"]
        return {name: Price.model_validate(price) for name, price in models.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise InvalidInputError(
            f"prices {path}: {' '.join(str(error).split()):.200}; expected JSON such as "
            '{"models": {"gpt-4.1-mini": {"input": 0.4, "output": 1.6}}}, in dollars per million '
            "tokens."
        ) from error


def spent(rows: Iterable[Judgement], trainings: Iterable[Training], price: Price | None) -> Spent:
    """Add up what judging and teaching cost."""
    calls = embedded = uncounted = prompt = cached = reply = 0
    parts: list[Judgement | Training] = [*rows, *trainings]
    for part in parts:
        calls += part.model_calls
        embedded += part.embedded if isinstance(part, Training) else 0
        if part.usage is None:
            uncounted += part.model_calls
            continue
        prompt += part.usage["input_tokens"]
        reply += part.usage["output_tokens"]
        cached += part.usage.get("input_token_details", {}).get("cache_read", 0)
    dollars = None
    if price is not None and (uncounted == 0 or not (price.input or price.output)):
        dear = price.input if price.cached_input is None else price.cached_input
        dollars = ((prompt - cached) * price.input + cached * dear + reply * price.output) / 1e6
    return Spent(
        model_calls=calls,
        embedded=embedded,
        input_tokens=prompt,
        cached_tokens=cached,
        output_tokens=reply,
        uncounted=uncounted,
        dollars=dollars,
    )
