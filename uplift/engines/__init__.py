"""Where work runs: an engine maps a function over tasks and knows nothing of what they are."""

from .protocol import Engine

__all__ = ["Engine"]
