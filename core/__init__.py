"""Conceptscope's core: probe, test, browse and steer concepts in neural networks, without a browser."""

import os

# Threads of torch wait for one another by spinning, by default for milliseconds. As soon as another process wants a
# core, such as a job beside the page, they then come to a near standstill: 0.3 tokens/s against 9 were seen. Spinning
# for microseconds and then sleeping costs a few percent on an idle machine. Read when torch is loaded.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")
