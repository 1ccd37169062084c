"""The model that a benchmark is run on: offline, by name, or behind an OpenAI-compatible API."""

import os

SECONDS = 600
"""A reply may take so long; a small machine's own model needs it."""


def chat_model(options):
    """The model that the options name; sampled as they say where it has an address of its own."""
    if not options.base_url:
        return options.model
    from langchain_openai import ChatOpenAI

    # What LangChain knows of hosted models: a small window makes a judge's prompts compact.
    profile = {"profile": {"max_input_tokens": options.window}} if options.window else {}
    return ChatOpenAI(
        model=options.model,
        base_url=options.base_url,
        api_key=os.environ.get("OPENAI_API_KEY", "none"),
        max_retries=0,
        timeout=SECONDS,
        **profile,
        **options.sampling,
    )
