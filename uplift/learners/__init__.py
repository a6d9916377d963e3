"""Learners: one file each, one protocol. From a sample to the effect of every action on every customer."""

from .protocol import Learner

__all__ = ["Learner"]
