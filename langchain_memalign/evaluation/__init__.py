"""Evidence: does a judge agree with the experts, and does learning help it?"""

import importlib.util

from langchain_memalign.errors import ConfigurationError

if importlib.util.find_spec("numpy") is None:
    raise ConfigurationError(
        "evaluation: found no numpy; install it with `pip install 'langchain-memalign[eval]'`."
    )
