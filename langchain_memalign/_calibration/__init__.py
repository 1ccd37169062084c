"""How far a judge's answers can be relied on, learned from what experts said of them.

Pure Python: there are few parameters, and few cases.
"""
