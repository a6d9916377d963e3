"""A small campaign, and the history it makes."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa
import pytest

from uplift.history import History, Roles


class MakeTable(Protocol):
    def __call__(self, **columns: object) -> pa.Table: ...


class MakeHistory(Protocol):
    def __call__(self, table: pa.Table, **roles: object) -> History: ...


@pytest.fixture
def campaign() -> MakeTable:
    """Return a function that makes four rows; columns given replace its own, None removes one."""

    def make(**columns: object) -> pa.Table:
        table: dict[str, object] = {
            "customer": ["007", "8", "9", "10"],
            "channel": ["none", "sms", "email", "sms"],
            "hour": [None, 12.0, 8.0, 8.0],
            "margin": [0.0, 1.5, 0.0, -2.0],
            "p": [0.4, 0.2, 0.2, 0.2],
            "age": [31, None, 44, 50],
            "tier": ["gold", "gold", "silver", None],
        }
        return pa.table({name: values for name, values in {**table, **columns}.items() if values is not None})

    return make


@pytest.fixture
def pairs() -> MakeHistory:
    """Return a function that makes a history, by default with outcome margin and control none."""

    def make(table: pa.Table, **roles: object) -> History:
        named = {"outcome": "margin", "control": "none", **roles}
        return History.from_table(table, Roles(**named))  # type: ignore[arg-type]

    return make
