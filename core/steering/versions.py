"""Versions of what a judged text hangs on, where whoever only looks for results can ask without loading torch.

Each is raised when the same request gives other texts, or the same text another score.
"""

TEXTS = 1  # core/steering/kept.py, and what it calls
MEASURES = 1  # core/steering/measures.py, and the probe that it teaches
