"""One small question to a model, and models that answer it by a script."""

from colours import Call
from fakes import ScriptedModel
from langchain_core.messages import HumanMessage, SystemMessage

from langchain_memalign._models import Retry, StructuredModel

AT_ONCE = Retry(first_wait=0)
PROMPT = [SystemMessage("You are a judge."), HumanMessage("Is it polite?")]
SCHEMA = {
    "title": "verdict",
    "description": "Your verdict.",
    "type": "object",
    "properties": {"value": {"type": "boolean"}},
    "required": ["value"],
    "additionalProperties": False,
}
GOOD = {"value": True}
NONSENSE = "I would rather not say."


def read_value(data):
    if isinstance(data.get("value"), bool):
        return data["value"], None
    return None, "it has no 'value'; expected true or false."


def replies(*script, **fields):
    """A model that gives these replies, one after the other."""
    left = list(script)
    return ScriptedModel(respond=lambda request: left.pop(0), **fields)


def question(model, *, read=read_value, options=None, retry=AT_ONCE, **more):
    """The call that asks the model."""
    asked = StructuredModel(model, options=options, retry=retry)
    return Call("model_calls.ask", asked, PROMPT, SCHEMA, read, **more)
