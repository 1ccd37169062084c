"""Learning from experts' words, unlearning them, and curating what was learned."""

from langchain_memalign._alignment.align import (
    Probe,
    align,
    alignment_report,
    conflicts_among,
    learn_pending,
    pending_work,
    reconcile_batches,
)
from langchain_memalign._alignment.batch import learn_batch
from langchain_memalign._alignment.commit import Learned
from langchain_memalign._alignment.curate import add_principle, edit_principle, remove_principle
from langchain_memalign._alignment.forget import forget
from langchain_memalign._alignment.gated import Decide, align_gated
from langchain_memalign._alignment.intake import Intake, take_in
from langchain_memalign._alignment.learner import NO_COST, PROGRESS_EVENT, Cost, Learner

__all__ = [
    "NO_COST",
    "PROGRESS_EVENT",
    "Cost",
    "Decide",
    "Intake",
    "Learned",
    "Learner",
    "Probe",
    "add_principle",
    "align",
    "align_gated",
    "alignment_report",
    "conflicts_among",
    "edit_principle",
    "forget",
    "learn_batch",
    "learn_pending",
    "pending_work",
    "reconcile_batches",
    "remove_principle",
    "take_in",
]
