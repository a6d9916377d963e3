"""Read one object of summary.json by key: numbers as numbers, text as printable text, or a DataError."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real

from ..errors import DataError


def printable(text: str) -> str:
    r"""Return the text on one line, without the invisible characters that could steer a terminal.

    >>> printable("e-mail\n\x1b[2J8")
    'e-mail [2J8'
    """
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def _wrong(key: str, value: object, needed: str) -> DataError:
    found = printable(repr(value))[:60]
    return DataError(
        f"The plan's summary holds {found} under {key!r}, where {needed} was needed. "
        "Write the summary again with `uplift plan`."
    )


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its two-sided interval; a part that is not known is None."""

    point: float | None = None
    lower: float | None = None
    upper: float | None = None
    level: float | None = None


@dataclass(frozen=True, slots=True)
class Fields:
    """One object of summary.json.

    Attributes:
        data: The object as it was parsed; keys that are missing read as None, 0, "" or nothing.
    """

    data: Mapping[str, object]

    def number(self, key: str) -> float | None:
        """Return the number under a key, None where it is missing, null or not finite."""
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, Real):
            raise _wrong(key, value, "a number")
        number = float(value)
        return number if math.isfinite(number) else None

    def amount(self, key: str) -> float:
        """Return the number under a key, 0 where there is none."""
        return self.number(key) or 0.0

    def count(self, key: str) -> int:
        """Return the whole number under a key, 0 where there is none."""
        return round(self.amount(key))

    def text(self, key: str, otherwise: str = "") -> str:
        """Return the value under a key as printable text on one line."""
        value = self.data.get(key)
        return otherwise if value is None else printable(str(value))

    def flag(self, key: str, *, otherwise: bool) -> bool:
        """Return the true or false under a key."""
        value = self.data.get(key)
        return otherwise if value is None else bool(value)

    def within(self, key: str) -> Fields:
        """Return the object under a key, an empty one where there is none."""
        value = self.data.get(key)
        if value is None:
            return Fields({})
        if not isinstance(value, Mapping):
            raise _wrong(key, value, "an object")
        return Fields(value)

    def items(self, key: str) -> tuple[object, ...]:
        """Return the list under a key, empty where there is none."""
        value = self.data.get(key)
        if value is None:
            return ()
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise _wrong(key, value, "a list")
        return tuple(value)

    def rows(self, key: str) -> tuple[Fields, ...]:
        """Return the objects in the list under a key."""
        items = self.items(key)
        for item in items:
            if not isinstance(item, Mapping):
                raise _wrong(key, item, "an object")
        return tuple(Fields(item) for item in items if isinstance(item, Mapping))

    def interval(self, key: str) -> Interval:
        """Return the estimate under a key."""
        return self.within(key).as_interval()

    def as_interval(self) -> Interval:
        """Return this object as an estimate."""
        return Interval(*(self.number(name) for name in ("point", "lower", "upper", "level")))
