"""Reading uplift.toml: every value is checked, every unknown name refused."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from uplift.errors import SettingError

from .project import COLUMN_ROLES, FILE, PlanSettings, Project, Source
from .tomltable import TomlTable

if TYPE_CHECKING:
    from policies.actions import Action, Segment
    from uplift.history import SendTimeBins


def read_project(folder: Path) -> Project:
    """Return the project of a folder: what its uplift.toml says, or an empty one where there is none.

    Raises:
        SettingError: The folder does not exist, or its file is not valid; the message names the setting.
    """
    if folder.name == FILE and folder.is_file():
        folder = folder.parent
    if not folder.is_dir():
        raise SettingError(f"There is no project folder {str(folder)!r}. Make one: uplift init {folder}")
    path = folder / FILE
    if not path.exists():
        return Project(folder)
    try:
        values = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} is not valid TOML: {error}.") from error
    return parse_project(values, folder)


def parse_project(values: Mapping[str, object], folder: Path) -> Project:
    """Return the project that a parsed uplift.toml describes.

    Raises:
        SettingError: A name is unknown or a value is of the wrong kind.
    """
    root = TomlTable(values, FILE)
    money = root.table("money")
    history, audience = root.table("history"), root.table("audience")
    project = Project(
        folder,
        exists=True,
        currency=_currency(root),
        history=_source(history, folder),
        columns={role: name for role in COLUMN_ROLES if (name := history.text(role))},
        control=history.label("control"),
        exclude=history.texts("exclude"),
        audience=_source(audience, folder),
        margin=money.amount("margin"),
        actions=_actions(root.table("actions")),
        segments=tuple(_segment(table) for table in root.table("plan").tables("segments")),
        plan=_plan(root.table("plan")),
        bins=_bins(root.table("send_time")),
    )
    for table in (root, money, history, audience):
        table.done()
    return project


def _currency(root: TomlTable) -> str | None:
    """Return the currency's three letters."""
    found = root.text("currency")
    if found is not None and not re.fullmatch("[A-Z]{3}", found):
        raise SettingError(
            f'{FILE}: currency is {found!r}, and should be three capital letters, as in "USD".'
        )
    return found


def _source(table: TomlTable, folder: Path) -> Source | None:
    """Return where the rows of [history] or [audience] come from."""
    path, url, query = table.text("path"), table.text("url"), table.text("query")
    if path and url:
        raise SettingError(f"{table.where} names both a path and a url. Keep one of them.")
    if url and not query:
        raise SettingError(f'{table.where} names a url without a query. Add query = "select …".')
    if path is None and url is None:
        return None
    return Source(path=folder / path if path else None, url=url, query=query)


def _actions(table: TomlTable) -> tuple[Action, ...]:
    """Return the actions of [actions.*], in the order of the file."""
    return tuple(_action(name, table.table(name)) for name in table.names())


def _action(channel: str, table: TomlTable) -> Action:
    """Return the action of one [actions.channel] table."""
    from policies.actions import Action

    slots = table.table("send_time_capacity")
    capacities = {label: slots.count(label) for label in slots.names()}
    action = Action(
        channel,
        cost=table.amount("cost") or 0.0,
        cost_column=table.text("cost_column"),
        response_cost=table.amount("response_cost") or 0.0,
        capacity=table.count("capacity"),
        send_time_capacity={label: most for label, most in capacities.items() if most is not None},
        min_spend=table.amount("min_spend") or 0.0,
        max_spend=table.amount("max_spend"),
        consent=table.text("consent"),
    )
    table.done()
    _consistent(action, table)
    return action


def _consistent(action: Action, table: TomlTable) -> None:
    """Refuse an action whose settings contradict each other, or that has no cost."""
    if ("cost" in table) == ("cost_column" in table):
        raise SettingError(f'{table.where} needs either cost = AMOUNT or cost_column = "…", and not both.')
    if action.max_spend is not None and action.min_spend > action.max_spend:
        raise SettingError(
            f"{table.where}: min_spend {action.min_spend:g} is above max_spend {action.max_spend:g}."
        )


def _segment(table: TomlTable) -> Segment:
    """Return the segment of one [[plan.segments]] table."""
    from policies.actions import Segment

    where = table.text("where")
    if where is None:
        raise SettingError(f"{table.where} has no condition. Add where = \"tier = 'gold'\".")
    segment = Segment(
        where, min_contacts=table.count("min_contacts"), max_contacts=table.count("max_contacts")
    )
    table.done()
    low, high = segment.min_contacts, segment.max_contacts
    if low is None and high is None:
        raise SettingError(f"{table.where} limits nothing. Add min_contacts or max_contacts.")
    if low is not None and high is not None and low > high:
        raise SettingError(f"{table.where}: min_contacts {low} is above max_contacts {high}.")
    return segment


def _plan(table: TomlTable) -> PlanSettings:
    """Return the numbers of [plan]."""
    table.tables("segments")
    found = {
        "budget": table.amount("budget"),
        "holdout": table.amount("holdout", high=1.0),
        "min_roi": table.amount("min_roi"),
        "level": table.amount("level", high=1.0),
        "risk_aversion": table.amount("risk_aversion"),
    }
    table.done()
    for name, low in (("holdout", False), ("level", True)):
        if found[name] == 1.0 or (low and found[name] == 0.0):
            raise SettingError(f"{table.where}: {name} is {found[name]:g}, and should be between 0 and 1.")
    return PlanSettings(**{name: value for name, value in found.items() if value is not None})


def _bins(table: TomlTable) -> SendTimeBins | None:
    """Return how [send_time] bins timestamps, or None where it is not there."""
    timezone, edges = table.text("timezone"), table.counts("edges")
    table.done()
    if timezone is None and not edges:
        return None
    from uplift.history import SendTimeBins

    return SendTimeBins(timezone=timezone, edges=edges)
