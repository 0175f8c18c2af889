"""Codes of which only a few are on, and products with them, forwards and backwards.

A dense decoder multiplies thousands of zeros for each code that is on. Here the codes are a list of numbers with their
places; reading the decoder's rows and adding them up, and the same for the gradients, is all that is done. On a
processor that leaves the encoder's one dense product as the main cost of a step. The gradients are those of the dense
form (see tests/test_dictionaries_sparse.py).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


@dataclass(frozen=True, eq=False)
class Pattern:
    """Which codes are on.

    rows: (nnz,) token of each, ascending. cols: (nnz,) its feature. n, m: numbers of tokens and of features.
    """

    rows: Tensor
    cols: Tensor
    n: int
    m: int

    @cached_property
    def row_starts(self) -> Tensor:
        """(n + 1,) where each token's codes begin."""
        return _starts(self.rows, self.n)

    @cached_property
    def order(self) -> Tensor:
        """(nnz,) the codes by feature."""
        return self.cols.argsort(stable=True)

    @cached_property
    def rows_by_col(self) -> Tensor:
        return self.rows[self.order]

    @cached_property
    def col_starts(self) -> Tensor:
        """(m + 1,) where each feature's codes begin, in that order."""
        return _starts(self.cols, self.m)

    def in_groups(self, ends: Tensor) -> Pattern:
        """The same codes, each token split into one row per group of features; ends: where each group ends, (g,).

        A token's codes have to be in the order of their features.
        """
        groups = torch.searchsorted(ends, self.cols, right=True)
        split = Pattern(self.rows * len(ends) + groups, self.cols, self.n * len(ends), self.m)
        vars(split).update(order=self.order, col_starts=self.col_starts)  # the same: features did not move
        return split

    def fired(self, values: Tensor) -> Tensor:
        """(m,) whether each feature has a code above 0; values: (nnz,)."""
        found = torch.zeros(self.m, dtype=torch.bool, device=self.cols.device)
        found[self.cols[values > 0]] = True
        return found

    def dense(self, values: Tensor) -> Tensor:
        """The codes as a matrix (n, m)."""
        codes = values.new_zeros(self.n, self.m)
        codes[self.rows, self.cols] = values
        return codes


def encoded(x: Tensor, W_enc: Tensor, b_enc: Tensor, b_dec: Tensor, values: Tensor, pattern: Pattern) -> Tensor:
    """`values` (nnz,), relu((x - b_dec) W_enc^T + b_enc) where `pattern` is, with their gradients; W_enc (m, d)."""
    return _Encoded.apply(x, W_enc, b_enc, b_dec, values, pattern)


def decoded(values: Tensor, W_dec: Tensor, pattern: Pattern) -> Tensor:
    """codes W_dec, (n, d), without a bias; values: (nnz,), W_dec: (m, d)."""
    return _Decoded.apply(values, W_dec, pattern)


class _Encoded(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, W_enc: Tensor, b_enc: Tensor, b_dec: Tensor, values: Tensor, pattern: Pattern
    ) -> Tensor:
        ctx.save_for_backward(x - b_dec, W_enc, values)
        ctx.pattern = pattern
        return values.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        centred, W_enc, values = ctx.saved_tensors
        pattern: Pattern = ctx.pattern
        gradient = torch.where(values > 0, gradient, 0)
        d_b_enc = W_enc.new_zeros(pattern.m).index_add_(0, pattern.cols, gradient)
        d_W_enc = _added_up(pattern.rows_by_col, centred, pattern.col_starts, gradient[pattern.order])
        return None, d_W_enc, d_b_enc, -(d_b_enc @ W_enc), None, None


class _Decoded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, W_dec: Tensor, pattern: Pattern) -> Tensor:
        ctx.save_for_backward(values, W_dec)
        ctx.pattern = pattern
        return _added_up(pattern.cols, W_dec, pattern.row_starts, values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        values, W_dec = ctx.saved_tensors
        pattern: Pattern = ctx.pattern
        gradient = gradient.contiguous()
        d_W_dec = _added_up(pattern.rows_by_col, gradient, pattern.col_starts, values[pattern.order])
        return _products(gradient, W_dec, pattern), d_W_dec, None


def _added_up(places: Tensor, rows: Tensor, starts: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums of rows: bag i holds rows[places[starts[i]:starts[i + 1]]]."""
    return embedding_bag(places, rows, starts, per_sample_weights=weights, mode="sum", include_last_offset=True)


def _products(left: Tensor, right: Tensor, pattern: Pattern) -> Tensor:
    """left[row] . right[col] for each code of the pattern, (nnz,)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that sparse tensors are in beta, once for each process
        at = torch.sparse_csr_tensor(
            pattern.row_starts,
            pattern.cols,
            left.new_zeros(len(pattern.cols)),
            (pattern.n, pattern.m),
            check_invariants=False,
        )
        try:
            return torch.sparse.sampled_addmm(at, left, right.T, beta=0.0).values()
        except RuntimeError:  # a build without MKL
            return torch.cat(
                [
                    (left[pattern.rows[i : i + 8192]] * right[pattern.cols[i : i + 8192]]).sum(dim=1)
                    for i in range(0, len(pattern.cols), 8192)
                ]
            )


def _starts(ascending: Tensor, count: int) -> Tensor:
    starts = torch.zeros(count + 1, dtype=torch.long, device=ascending.device)
    starts[1:] = torch.bincount(ascending, minlength=count).cumsum(0)
    return starts
