"""Conceptscope's core: probe, test, browse and steer concepts in neural networks, without a browser."""

import os

# Threads of torch that wait for one another by spinning (the default) come to a near standstill as soon as another
# process wants a core, such as a job beside the page: 0.3 tokens/s against 9 were seen. Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
