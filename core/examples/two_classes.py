"""What labelled sets have in common, whether their rows are texts or images."""

from __future__ import annotations

from numpy.typing import NDArray

from core import workspace


class TwoClasses:
    """Rows with labels (n,), 1 positive and 0 negative, groups (n,) and, maybe, a kind per row."""

    labels: NDArray
    groups: NDArray
    subgroups: tuple[str, ...] | None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_positives(self) -> int:
        return int(self.labels.sum())

    @property
    def n_negatives(self) -> int:
        return len(self) - self.n_positives

    def digest_with(self, contents: list[str]) -> str:
        """24 hexadecimal digits of a row's contents each, labels, groups and subgroups (if there are)."""
        kinds = [] if self.subgroups is None else [list(self.subgroups)]
        return workspace.digest([contents, self.labels.tolist(), self.groups.tolist(), *kinds])
