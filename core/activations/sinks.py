"""What a sink is, for whoever reads activations; in a file of its own, which needs nothing."""

# A sink is a token, or a pooled row, whose norm is above this many times the median norm of those beside it.
SINK_RATIO = 5.0
