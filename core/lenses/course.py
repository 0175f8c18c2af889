"""The training of a group of layers, round after round; what is done is kept, so that it can go on at any round."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from core import workspace
from core.errors import UserError
from core.lenses.library import place_of
from core.lenses.settings import LensSettings
from core.lenses.streams import read_streams, rounds
from core.lenses.translator import Moments, Translator
from core.lenses.vocabulary import Vocabulary
from core.models import Model
from core.models.checksums import digest_of
from core.progress import Listener, Progress

SAVE_EVERY = 60.0  # seconds
WARM_STEPS = 10
COUNTED_TOKENS = 4096  # on which the frequent tokens of the vocabulary are found
COUNTS = ("position", "steps", "tokens")
SMALLEST_STEP = 0.25  # of a full one; fewer tokens at the end of a round are left out


class Course:
    """Trains the maps of `layers`. Two calls of `run` with the same arguments do the same numbers in the same order."""

    def __init__(
        self,
        model: Model,
        key: str,
        layers: tuple[int, ...],
        ids: Sequence[Sequence[int]],
        train: Sequence[int],
        settings: LensSettings,
    ) -> None:
        self.model, self.layers, self.ids, self.settings = model, layers, ids, settings
        self.sites = [model.site(layer) for layer in (*layers, model.n_layers - 1)]
        self.path = place_of(key) / f"layers-{layers[0]}-{layers[-1]}.safetensors"
        # The first pass is that of the regression, the others are those of the descent.
        most, seed = settings.round_tokens, settings.seed
        passes = [rounds(ids, train, most, seed, epoch) for epoch in range(settings.epochs + 1)]
        self.first = len(passes[0])
        self.rounds = [rows for of_pass in passes for rows in of_pass]
        self.position = self.steps = self.tokens = 0
        self.moments: list[Moments] = []
        self.translators: list[Translator] = []
        self.mass = torch.zeros(0)  # how often the model says each token of the vocabulary

    def run(self, progress: Listener, number: int, of: int) -> dict[str, Any]:
        """All rounds that are not done yet. Returns matrices, centres and biases, and how many tokens a pass has."""
        self.vocabulary = Vocabulary(self.model)
        self._resume()
        saved = time.monotonic()
        total = sum(map(len, self.rounds))
        done = sum(map(len, self.rounds[: self.position]))
        where = f", layers {self.layers[0]} to {self.layers[-1]}" if of > 1 else ""
        while self.position < len(self.rounds):
            what = "regression" if self.position < self.first else "descent"
            progress(Progress(done, total, "texts", f"tuned lens of {self.model.id}, {what}{where}"))
            self._round(self.rounds[self.position])
            done += len(self.rounds[self.position])
            self.position += 1
            over = self.position == len(self.rounds)
            if over or time.monotonic() - saved >= SAVE_EVERY:
                self._save()
                saved = time.monotonic()
        folded = [translator.folded() for translator in self.translators]
        names = ("centres", "matrices", "biases")
        joined = dict(zip(names, (torch.stack(parts) for parts in zip(*folded, strict=True)), strict=True))
        return {**joined, "n_tokens": self.tokens}

    def forget(self) -> None:
        """Remove what was kept for going on."""
        self.path.unlink(missing_ok=True)

    def _round(self, rows: Sequence[int]) -> None:
        streams, _ = read_streams(self.model, self.ids, rows, self.sites)
        *hs, final = (streams[site] for site in self.sites)
        if not len(final):
            return
        if self.position < self.first:
            self._regress(hs, final)
        else:
            self._descend(hs, final)

    def _regress(self, hs: list[Tensor], final: Tensor) -> None:
        target = self._target(final)
        if not self.moments:
            self.moments = [Moments.starting(h, target) for h in hs]
        for moments, h in zip(self.moments, hs, strict=True):
            moments.add(h, target)
        if self.tokens < COUNTED_TOKENS:
            for chunk in final.split(256):
                all_tokens = self.vocabulary.draw(1, 1, torch.Generator())  # no order is known yet: the whole
                said = self.vocabulary.log_probabilities(chunk, all_tokens).exp().sum(dim=0).cpu()
                self.mass = self.mass + said if len(self.mass) else said
        self.tokens += len(final)
        if self.position + 1 == self.first:
            self._settle()

    def _target(self, final: Tensor) -> Tensor:
        """What is regressed on: the last layer's stream, each token as long as any other if a norm sees to that."""
        if self.vocabulary.head.norm is None:
            return final
        return final / final.pow(2).mean(dim=-1, keepdim=True).sqrt()

    def _settle(self) -> None:
        """From moments to maps."""
        if self.tokens < 2:
            raise UserError("The texts have no token that counts: a lens needs texts of several words.")
        self.translators = [moments.solve(self.settings.ridge) for moments in self.moments]
        self.moments = []
        self._order()

    def _order(self) -> None:
        self.vocabulary.order = self.mass.argsort(descending=True, stable=True).to(self.model.device)

    def _descend(self, hs: list[Tensor], final: Tensor) -> None:
        if not self.translators:
            raise UserError("The regression found no token that counts: a lens needs texts of several words.")
        generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + self.position)
        order = torch.randperm(len(final), generator=generator).to(final.device)
        size = self.settings.batch_tokens
        chunks = [chunk for chunk in order.split(size) if len(chunk) >= SMALLEST_STEP * size] or [order]
        for number, chunk in enumerate(chunks):
            done = (self.position - self.first + number / len(chunks)) / (len(self.rounds) - self.first)
            rate = self.settings.learning_rate * min(1.0, (self.steps + 1) / WARM_STEPS) * (1 - done)
            self.steps += 1
            part = self.vocabulary.draw(self.settings.frequent, self.settings.sampled, generator)
            with torch.no_grad():
                said = self.vocabulary.log_probabilities(final[chunk], part)
            for translator, h in zip(self.translators, hs, strict=True):
                translator.step(h[chunk], said, self.vocabulary, part, rate, self.steps)

    def _save(self) -> None:
        """Everything that the next round needs, whole or not at all."""
        tensors = {"mass": self.mass}
        for place, moments in enumerate(self.moments):
            tensors |= {f"{place}.{field.name}": getattr(moments, field.name) for field in fields(Moments)}
        for place, translator in enumerate(self.translators):
            tensors |= {f"{place}.{name}": tensor for name, tensor in translator.tensors().items()}
        about: dict[str, Any] = {name: getattr(self, name) for name in COUNTS}
        made_contiguous = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
        about["check"] = workspace.digest([about, digest_of(made_contiguous)])
        data = safetensors.torch.save(made_contiguous, metadata={"course": json.dumps(about)})
        workspace.write_bytes(self.path, data)

    def _resume(self) -> None:
        """Go on from what was kept, if there is anything and it is sound."""
        try:
            with safetensors.safe_open(self.path, framework="pt") as file:
                about = json.loads((file.metadata() or {})["course"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if about.pop("check") != workspace.digest([about, digest_of(tensors)]):
                return
            position, steps, tokens, mass = *(about[name] for name in COUNTS), tensors.pop("mass")
        except (OSError, safetensors.SafetensorError, AttributeError, KeyError, TypeError, ValueError, RecursionError):
            return  # it begins anew
        self.position, self.steps, self.tokens, self.mass = position, steps, tokens, mass
        device = self.model.device
        for place in range(len(self.layers)):
            own = {name.split(".", 1)[1]: t for name, t in tensors.items() if name.startswith(f"{place}.")}
            if self.position < self.first:
                wide = torch.device("cpu") if device.type == "mps" else device
                self.moments.append(Moments(**{n: t.to(device if n == "shift" else wide) for n, t in own.items()}))
            else:
                self.translators.append(Translator.restored(own, device))
        if self.translators:
            self._order()
