"""What can be told of a dictionary from its weights and norms: do encoder and decoder agree, do codes add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.dictionaries.coder import Coder


def encoder_decoder_cosine(coder: Coder) -> np.ndarray | None:
    """(n_features,) cosine of what each feature reads and what it writes, -1 to 1; None where they live apart."""
    W_enc = coder.tensors().get("W_enc")
    if W_enc is None or coder.d_in != coder.d_out:
        return None
    reads, writes = W_enc.T, coder.W_dec
    cosines = (reads * writes).sum(dim=1) / (reads.norm(dim=1) * writes.norm(dim=1)).clamp(min=1e-30)
    return cosines.numpy()


@dataclass(frozen=True, eq=False)
class Norms:
    """Approximate feature activation (Lee et al. 2025): were all rows at right angles, the codes' norm would be the
    reconstruction's.

    rebuilt: (n,) |x^|. codes: (n,) |f~|, f~ the codes times the lengths of their rows, with b_dec as one more of them,
    as in the authors' code. error: (n,) abs(|x^|^2 - |f~|^2) / ((n_features - 1) |f~|^2), a lower bound on how far from
    right angles the rows are. Below the diagonal codes say more than the reconstruction has, above it less.
    """

    rebuilt: np.ndarray
    codes: np.ndarray
    error: np.ndarray


def norms(coder: Coder, rebuilt: Tensor, codes_norm: Tensor) -> Norms:
    """rebuilt: (n, d_out), before a token's own scale is put back; codes_norm: (n,) norm of the codes times the lengths
    of their rows."""
    bias = coder.tensors().get("b_dec")
    offset = torch.zeros(()) if bias is None else bias.cpu().double().square().sum()
    codes = (codes_norm.cpu().double().square() + offset).sqrt()
    size = rebuilt.cpu().double().norm(dim=1)
    error = (size.square() - codes.square()).abs() / (max(coder.n_features - 1, 1) * codes.square().clamp(min=1e-30))
    return Norms(size.numpy(), codes.numpy(), error.numpy())
