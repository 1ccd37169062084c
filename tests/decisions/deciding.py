"""Decision models that decide by a rule: in this process, and behind OpenAI's wire format."""

import re

from langchain_core.decisions import BaseDecisionModel, ClassifierResponse

SURE = 0.9


def is_fine(state):
    """Kind is what says sorry, as soon as the principles ask for it; before, all is."""
    principles, case = state.split("<case>")[0].split("</principles>")[0], state.split("<case>")[-1]
    return "sorry" not in principles.lower() or "sorry" in case.lower()


def spread(count, best):
    """Probabilities of so many values: the best one is sure, the others share the rest."""
    return [SURE if i == best else (1 - SURE) / (count - 1) for i in range(count)]


class RuleModel(BaseDecisionModel):
    """Decides by `is_fine`: true, the first label, the highest level."""

    model: str = "rule"
    requests: list = []  # noqa: RUF012 (pydantic copies defaults)

    @property
    def _provider(self):
        return "tests"

    def _classify(self, state, questions):
        self.requests.append((state, questions))
        ((name, question),) = questions.items()
        fine = is_fine(state)
        match question.type:
            case "noul":
                answer = {"noul": SURE if fine else 1 - SURE}
            case "choice":
                labels = list(question.criteria)
                shares = spread(len(labels), 0 if fine else len(labels) - 1)
                answer = {
                    "choice": labels[0 if fine else -1],
                    "probabilities": dict(zip(labels, shares, strict=True)),
                    "confidence": 0.5,
                }
            case "score":
                levels = question.criteria
                shares = spread(len(levels), len(levels) - 1 if fine else 0)
                answer = {
                    "score": sum(i * p for i, p in enumerate(shares)),
                    "legend": dict(enumerate(levels)),
                    "probabilities": dict(enumerate(shares)),
                    "confidence": 0.5,
                }
        return ClassifierResponse(
            model=self.model,
            answers={name: {"type": question.type, **answer}},
            usage={"input_tokens": 20, "output_tokens": 1},
        )


class AwaitableRuleModel(RuleModel):
    """The same, with an awaitable form of its own."""

    awaited: int = 0

    async def _aclassify(self, state, questions):
        self.awaited += 1
        return self._classify(state, questions)


def openai_decision(_path, body):
    """What OpenAI's /v1/decisions replies to a request, by the same rule."""
    (question,) = body["questions"]
    fine = is_fine(body["input"])
    answer = {"type": question["type"], "name": question["name"]}
    match question["type"]:
        case "predicate":
            answer["probability"] = SURE if fine else 1 - SURE
        case "choice":
            values = [choice["value"] for choice in question["choices"]]
            shares = spread(len(values), 0 if fine else len(values) - 1)
            answer |= {
                "choice": values[0 if fine else -1],
                "probabilities": [
                    {"value": v, "probability": p} for v, p in zip(values, shares, strict=True)
                ],
                "confidence": 0.5,
            }
        case "score":
            labels = [level["label"] for level in question["levels"]]
            shares = spread(len(labels), len(labels) - 1 if fine else 0)
            answer |= {
                "score": sum(i * p for i, p in enumerate(shares)),
                "probabilities": [
                    {"value": i, "label": label, "probability": p}
                    for i, (label, p) in enumerate(zip(labels, shares, strict=True))
                ],
                "confidence": 0.5,
            }
    return decision_body(answer, model=body["model"])


def decision_body(*answers, model="gpt-decides"):
    """A reply of the Decisions API with these answers."""
    usage = {"input_tokens": 20, "output_tokens": 1}
    return 200, {}, {"id": "dec_1", "model": model, "answers": list(answers), "usage": usage}


def case_section(state):
    """The state's part that holds the case."""
    return re.search(r"<case>.*</case>", state, re.DOTALL)[0]
