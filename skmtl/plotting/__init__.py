"""Pictures of results, in the manner of scikit-learn's displays."""

from skmtl.plotting._path import PathDisplay
from skmtl.plotting._transfer import TransferDisplay

__all__ = ["PathDisplay", "TransferDisplay"]
