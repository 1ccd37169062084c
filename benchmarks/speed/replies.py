"""What the endpoint says wherever a reply needs a truth value, a text or a rule."""

import hashlib
import json
import os
import re

# How DSPy ends a prompt when it asks for no schema, and how it names each field there.
ASKED = "Respond with the corresponding output fields"
FIELD = re.compile(r"`\[\[ ## (\w+) ## \]\]`(?: \(must be formatted as a valid Python (\w+))?")
MODULE = "self"
"""DSPy's name for the only part of a program, for which SIMBA asks advice."""

# How ours and MLflow's distilling prompts name a record, and tell what the expert remarked on it.
RECORD_IDS = (re.compile(r'<record id="(R\d+)"'), re.compile(r'^\s*"id": (\d+),$', re.MULTILINE))
REMARKS = (
    re.compile(r"<expert[^>]*>(.*?)</expert>", re.DOTALL),
    re.compile(r'^\s*"rationale": "(.*?)",$', re.MULTILINE | re.DOTALL),
)
LONGEST_RULE = 300


def records_of(prompt):
    """The ids of the records to distil; none in a prompt that judges."""
    return next((found for ids in RECORD_IDS if (found := ids.findall(prompt))), [])


class Plain:
    """Always the same truth value; a rule for ten records.

    Attributes:
        yes, text: What is said.
        records_a_rule: For how many records a rule is made.
    """

    yes, text, records_a_rule = True, "", 10

    def rule(self, records):
        told = hashlib.sha256("".join(records).encode() + os.urandom(4)).hexdigest()[:12]
        return f"Say sorry before anything else, rule {told}."


class Remarks(Plain):
    """A rule for each record, in the words of its remark, as the offline model distils."""

    records_a_rule = 1

    def __init__(self, prompt):
        remarks = next((found for said in REMARKS if (found := said.findall(prompt))), [])
        self._by_id = dict(zip(records_of(prompt), remarks, strict=False))

    def rule(self, records):
        return self._by_id.get(records[0], "")[:LONGEST_RULE] or super().rule(records)


class Varied(Plain):
    """Drawn from a prompt and from which time it is that it is asked, as by a sampling model.

    An optimizer that is always told the same does not run its course, since it learns from what was
    judged right beside what was judged wrong. So every judgement agrees with the expert by a coin's
    toss, the same in each run.
    """

    def __init__(self, prompt, time):
        digest = hashlib.sha256(f"{time} {prompt}".encode()).hexdigest()
        self.yes = int(digest, 16) % 2 == 0
        self.text = f"Say sorry before anything else, rule {digest[:12]}."

    def unstructured(self, prompt):
        """The reply where no schema is asked: DSPy's fields if it asks for them, else a text."""
        _, asked, fields = prompt.rpartition(ASKED)
        if not asked:
            return f"```\n{self.text}\n```"  # GEPA's reflection asks for a block
        written = {"bool": str(self.yes), "dict": json.dumps({MODULE: self.text})}
        values = {name: written.get(kind, self.text) for name, kind in FIELD.findall(fields)}
        values |= {"completed": ""}
        return "\n\n".join(f"[[ ## {name} ## ]]\n{value}" for name, value in values.items())
