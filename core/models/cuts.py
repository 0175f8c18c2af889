"""Which tensors of a computation everything after them depends on.

Inside a residual block the input goes round whatever the block computes, so that no tensor there is all that later
layers get to see. Between blocks there is one. Such a tensor, a cut, is where a push reaches everything that follows
and where a derivative of the output is the whole derivative. Cuts are read off the graph that autograd keeps.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

Node = Any  # torch.autograd.graph.Node; one per operation


def find_cuts(end: Tensor, start: Tensor) -> set[Node]:
    """The operations through which every path from `start`, a leaf, to `end` leads.

    A node is on all paths exactly if (paths from start to it) x (paths from it to end) = all paths.
    """
    order = _inputs_first(end.grad_fn)
    to_start = dict.fromkeys(order, 0)
    for node in order:
        if getattr(node, "variable", None) is start:
            to_start[node] = 1
        else:
            to_start[node] = sum(to_start[below] for below, _ in node.next_functions if below is not None)
    to_end = dict.fromkeys(order, 0)
    to_end[order[-1]] = 1
    outputs: dict[Node, set[int]] = {}  # which outputs of an operation are used: a split has several
    for node in reversed(order):
        for below, output in node.next_functions:
            if below is not None:
                to_end[below] += to_end[node]
                outputs.setdefault(below, set()).add(output)
    total = to_start[order[-1]]
    return {node for node in order if to_start[node] * to_end[node] == total > 0 and len(outputs.get(node, ())) <= 1}


def _inputs_first(root: Node) -> list[Node]:
    """All operations below `root`, each after those that it gets its inputs from."""
    order: list[Node] = []
    seen: set[Node] = set()
    stack = [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((below, False) for below, _ in node.next_functions if below is not None)
    return order
