"""Find a learner, an engine or a warehouse by name, and import its module only then."""

from __future__ import annotations

import importlib
from importlib import metadata

from .errors import MissingExtra, SettingError, did_you_mean

BUILT_IN: dict[str, dict[str, str]] = {
    "uplift.learners": {
        "average": "uplift.learners.average:AverageLearner",
        "proportional": "uplift.learners.proportional:ProportionalLearner",
        "t": "uplift.learners.t:TLearner",
        "x": "uplift.learners.x:XLearner",
        "two-part-x": "uplift.learners.x:TwoPartXLearner",
        "offset": "uplift.learners.offset:OffsetLearner",
        "causalml-t": "uplift.learners.from_causalml:CausalMLTLearner",
        "causalml-x": "uplift.learners.from_causalml:CausalMLXLearner",
        "causalml-r": "uplift.learners.from_causalml:CausalMLRLearner",
        "causalml-dr": "uplift.learners.from_causalml:CausalMLDRLearner",
        "econml-dr": "uplift.learners.from_econml:EconMLDRLearner",
        "econml-linear-dr": "uplift.learners.from_econml:EconMLLinearDRLearner",
        "econml-forest": "uplift.learners.from_econml:EconMLForestLearner",
    },
    "uplift.engines": {"local": "uplift.engines.local:LocalEngine"},
    "uplift.warehouses": {
        "file": "uplift.tables.files:FileWarehouse",
        "duckdb": "uplift.tables.duck:DuckWarehouse",
        "postgres": "uplift.tables.postgres:PostgresWarehouse",
    },
}
EXTRAS = {"psycopg": "postgres"}


def names(group: str) -> list[str]:
    """Return the names that `load` knows in a group: built-ins first, then installed entry points."""
    return [*BUILT_IN[group], *(point.name for point in metadata.entry_points(group=group))]


def load(group: str, name: str) -> type:
    """Return the class registered under a name.

    Args:
        group: "uplift.learners", "uplift.engines" or "uplift.warehouses".
        name: A built-in name or that of an installed entry point.

    Raises:
        SettingError: Nothing is registered under that name.
        MissingExtra: Its module needs a package that is not installed.
    """
    target = BUILT_IN[group].get(name)
    if target is None:
        points = {point.name: point.value for point in metadata.entry_points(group=group)}
        if name not in points:
            raise SettingError(f"There is no {name!r} in {group}.{did_you_mean(name, names(group))}")
        target = points[name]
    module, _, attribute = target.partition(":")
    try:
        found: type = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(str(error.name).partition(".")[0])
        if extra is None:
            raise
        raise MissingExtra(
            f"{name!r} needs the package {error.name!r}: pip install 'uplift-engine[{extra}]'"
        ) from error
    return found
