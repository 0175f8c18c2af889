"""How good a dictionary is: what it explains, what it breaks, how often its features are on, and what it misses."""
