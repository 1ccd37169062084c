"""What learning takes beside optimizers that search for a better prompt, as rows."""

import tempfile

from processes import run
from sides import row

OPTIMIZERS = {"gepa": "MLflow's GEPA", "simba": "MLflow's SIMBA", "miprov2": "DSPy's MIPROv2"}
RECORDS = 50
"""How many records they learn; at their own budgets more of them would take long."""


def against_optimizers(at, bar):
    """Seconds, chat calls and tokens, of one run each."""
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        run("mlflow", "setup", directory, RECORDS, at)
        for side, what in (("ours", "align_only"), *(("optimizer", name) for name in OPTIMIZERS)):
            bar.set_description(f"{RECORDS}: {side} {what}")
            ran = run(side, what, directory, RECORDS, at, under="varied/v1")
            counts = ran["counts"]
            found[what] = {
                "s": ran["seconds"],
                "chat calls": counts["chat_calls"],
                "tokens": counts["prompt_tokens"] + counts["completion_tokens"],
            }
            bar.update()
    return [
        row(
            f"align, against {name}",
            RECORDS,
            unit,
            {"ours": [ours], "mlflow": [found[what][unit]]},
            None,
        )
        for what, name in OPTIMIZERS.items()
        for unit, ours in found["align_only"].items()
    ]
