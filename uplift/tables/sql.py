"""The little SQL that DuckDB and Postgres share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations_with_replacement

import pyarrow as pa

from ..errors import DataError
from ..intake.columns import check_unique

_MISSING = "missing cells"


def quoted(name: str) -> str:
    """Return a name as an SQL identifier.

    >>> print(quoted('5" pipe'))
    "5"" pipe"
    """
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def source(query: str) -> str:
    r"""Return what FROM can be given for a query: the table it names, or the SELECT in parentheses.

    >>> source("shop.orders"), source("select 1;")
    ('"shop"."orders"', '(select 1\n) as source')
    """
    text = query.strip().rstrip(";").rstrip()
    if re.fullmatch(r"\w+(\.\w+)*", text):
        return ".".join(quoted(part) for part in text.split("."))
    # The line break ends a comment that the query may end with.
    return f"({text}\n) as source"


def select(query: str, columns: Sequence[str] | None) -> str:
    """Return the SELECT of all columns of a query, or of the named ones."""
    chosen = "*" if columns is None else ", ".join(quoted(name) for name in columns)
    return f"select {chosen} from {source(query)}"


def aggregation(query: str, by: Sequence[str], needs: Sequence[str]) -> str:
    """Return the SELECT behind `Warehouse.aggregate`, with the number of missing cells as last column."""
    number = {name: f"cast({quoted(name)} as double precision)" for name in needs}
    keys = [quoted(name) for name in by]
    sums = [f"sum({number[name]}) as {quoted(f'sum_{name}')}" for name in needs]
    products = [
        f"sum({number[one]} * {number[two]}) as {quoted(f'sum_{one}_{two}')}"
        for one, two in combinations_with_replacement(needs, 2)
    ]
    gaps = " + ".join(f"count(*) - count({quoted(name)})" for name in needs) or "0"
    wanted = [*keys, "count(*) as n", *sums, *products, f"{gaps} as {quoted(_MISSING)}"]
    grouping = f" group by {', '.join(keys)} order by {', '.join(keys)}" if keys else ""
    return f"select {', '.join(wanted)} from {source(query)}{grouping}"


def complete(aggregates: pa.Table, needs: Sequence[str]) -> pa.Table:
    """Return aggregates without their count of missing cells, which must be 0.

    Raises:
        DataError: It is not: a sum over the rest would stand beside the wrong n. Or two columns got one name.
    """
    check_unique(aggregates.column_names)
    missing = sum(aggregates[_MISSING].to_pylist())
    if missing:
        raise DataError(
            f"{int(missing):,} cells of {', '.join(repr(name) for name in needs)} are missing. "
            "Fill them or leave those rows out, so that sums and counts are of the same rows."
        )
    return aggregates.drop_columns([_MISSING])
