"""The review file: what waits for people, what they answered, and how far it is learned."""

from langchain_memalign.reviews.answers import Answer, Answers, Looked, Turned
from langchain_memalign.reviews.desk import DeskSettings, DeskTable, Draft, Mark, PersonSettings
from langchain_memalign.reviews.file import ReviewFile
from langchain_memalign.reviews.ledger import Ledger, Receipt, Settled
from langchain_memalign.reviews.readings import Reading, Readings
from langchain_memalign.reviews.wording import Wording

__all__ = [
    "Answer",
    "Answers",
    "DeskSettings",
    "DeskTable",
    "Draft",
    "Ledger",
    "Looked",
    "Mark",
    "PersonSettings",
    "Reading",
    "Readings",
    "Receipt",
    "ReviewFile",
    "Settled",
    "Turned",
    "Wording",
]
