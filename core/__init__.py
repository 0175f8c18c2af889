"""Conceptscope's core: probe, test, browse and steer concepts in neural networks, without a browser."""
