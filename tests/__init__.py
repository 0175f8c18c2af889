"""A package, so that tests can share helpers: `from tests.tiny import tiny_model`."""
