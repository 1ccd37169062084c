"""Whether a judge's verdicts move where they should not, and whether it got worse.

Pure Python, without asking anybody: what to ask is in `questions`, what comes of it in `figures`.
"""
