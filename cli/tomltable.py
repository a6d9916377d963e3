"""Typed reading of the tables of uplift.toml: every value is checked, every unknown name refused."""

from __future__ import annotations

import math
from collections.abc import Mapping

from uplift.errors import SettingError, did_you_mean


class TomlTable:
    """One table of the project file, read name by name; `done` refuses the names nobody asked for.

    >>> table = TomlTable({"budget": 50000}, "uplift.toml, [plan]")
    >>> table.amount("budget")
    50000.0
    """

    def __init__(self, values: Mapping[str, object], where: str) -> None:
        self._values = values
        self._known: list[str] = []
        self.where = where

    def __contains__(self, name: str) -> bool:
        """Return whether the table sets this name."""
        return name in self._values

    def names(self) -> list[str]:
        """Return the names the table sets, all of them taken as known."""
        self._known.extend(self._values)
        return list(self._values)

    def done(self) -> None:
        """Refuse the names that were never asked for.

        Raises:
            SettingError: The table sets a name that means nothing.
        """
        for name in self._values:
            if name not in self._known:
                hint = did_you_mean(name, self._known) or f" It may hold: {', '.join(self._known)}."
                raise SettingError(f"{self.where} has no setting {name!r}.{hint}")

    def text(self, name: str) -> str | None:
        """Return a non-empty text, or None where it is not set."""
        value = self._take(name)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        raise self._wrong(name, value, "a text")

    def label(self, name: str) -> str | None:
        """Return a label as text: a text or a whole number, or None where it is not set."""
        value = self._take(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, empty where it is not set."""
        value = self._take(name)
        if value is None:
            return ()
        if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
            return tuple(value)
        raise self._wrong(name, value, 'a list of texts, as in ["cost"]')

    def amount(self, name: str, *, low: float = 0.0, high: float = math.inf) -> float | None:
        """Return a finite number of at least `low` and at most `high`, or None where it is not set."""
        value = self._take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, value, "a number")
        if not math.isfinite(value) or not low <= value <= high:
            raise self._wrong(name, value, in_words(low, high))
        return float(value)

    def count(self, name: str) -> int | None:
        """Return a whole number ≥ 0, or None where it is not set."""
        value = self._take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._wrong(name, value, "a whole number of at least 0")
        return value

    def counts(self, name: str) -> tuple[int, ...]:
        """Return a list of whole numbers ≥ 0, empty where it is not set."""
        value = self._take(name)
        if value is None:
            return ()
        if isinstance(value, list) and all(type(item) is int and item >= 0 for item in value):
            return tuple(value)
        raise self._wrong(name, value, "a list of whole numbers, as in [0, 8, 16]")

    def table(self, name: str) -> TomlTable:
        """Return the table of that name, empty where it is not set."""
        value = self._take(name)
        where = self._inner(name)
        if value is None:
            return TomlTable({}, where)
        if isinstance(value, dict):
            return TomlTable(value, where)
        raise self._wrong(name, value, "a table")

    def tables(self, name: str) -> tuple[TomlTable, ...]:
        """Return the array of tables of that name, empty where it is not set."""
        value = self._take(name)
        if value is None:
            return ()
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            where = self._inner(name)
            return tuple(TomlTable(item, f"{where} number {i}") for i, item in enumerate(value, 1))
        raise self._wrong(name, value, f"tables, each under [[{self._path(name)}]]")

    def _take(self, name: str) -> object:
        """Return the raw value, and note that the name is known."""
        if name not in self._known:
            self._known.append(name)
        return self._values.get(name)

    def _path(self, name: str) -> str:
        """Return the name with the tables it stands in, as TOML writes them."""
        _, bracket, table = self.where.partition("[")
        return f"{table.partition(']')[0]}.{name}" if bracket else name

    def _inner(self, name: str) -> str:
        """Return where a table inside this one stands, in words."""
        return f"{self.where.partition(', [')[0]}, [{self._path(name)}]"

    def _wrong(self, name: str, value: object, needed: str) -> SettingError:
        """Return the error of a value of the wrong kind."""
        return SettingError(f"{self.where}: {name} is {value!r}, and should be {needed}.")


def in_words(low: float, high: float) -> str:
    """Return a range of numbers in words.

    >>> in_words(0.0, 1.0)
    'a number from 0 to 1'
    >>> in_words(0.0, float("inf"))
    'a number of at least 0'
    """
    if math.isinf(high):
        return "a number" if math.isinf(low) else f"a number of at least {low:g}"
    return f"a number from {low:g} to {high:g}"
