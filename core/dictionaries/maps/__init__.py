"""A map of a dictionary: every feature as a point, near to those that write similar directions."""
