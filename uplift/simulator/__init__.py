"""Campaigns whose true effects are known: to try things out, and to hold every claim against."""

from .campaign import Campaign, simulate
from .responses import worlds

__all__ = ["Campaign", "simulate", "worlds"]
