"""Sparse autoencoders and transcoders: the architectures of SAELens, as small pure modules."""

from core.dictionaries.sae.config import ARCHITECTURES, Architecture, Config
from core.dictionaries.sae.sae import Sae

__all__ = ["ARCHITECTURES", "Architecture", "Config", "Sae"]
