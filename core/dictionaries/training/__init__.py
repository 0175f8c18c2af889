"""Training dictionaries: methods, the loop, where activations come from, checkpoints, curves."""
