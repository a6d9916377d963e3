"""From a project to the nouns the engine takes: a history, an audience, actions and gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uplift.errors import SettingError

from .project import FILE, Project, Source

if TYPE_CHECKING:
    import pyarrow as pa

    from uplift.findings import Finding
    from uplift.history import Audience, History

CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Input:
    """The rows of one source, and what reading them found."""

    source: Source
    table: pa.Table
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Campaign:
    """What a project's files hold.

    Attributes:
        history: The campaign history; its features are those the audience has too.
        audience: The customers to plan for.
        findings: What reading both found.
    """

    history: History
    audience: Audience
    findings: tuple[Finding, ...]


def read_inputs(project: Project) -> dict[str, Input]:
    """Return the rows that a project names: "history", and "audience" where there is one.

    Raises:
        SettingError: No history is named.
        DataError: A file cannot be read as a table.
    """
    if project.history is None:
        raise SettingError(
            f"No history is named: {str(project.folder / FILE)!r} "
            f"{'has no [history] path' if project.exists else 'is not there'} and --history was not given. "
            "Add --history FILE, or start with: uplift init demo"
        )
    sources = {"history": project.history, "audience": project.audience}
    return {name: _read(source) for name, source in sources.items() if source is not None}


def campaign_of(project: Project, inputs: Mapping[str, Input]) -> Campaign:
    """Return the history and the audience that rows hold.

    Raises:
        SettingError: A role is missing.
        DataError: A table does not hold what its roles promise.
    """
    from uplift.history import Audience, History, shared_features

    roles, given = project.roles(), inputs["history"]
    history = History.from_table(given.table, roles, findings=given.findings, send_time_bins=project.bins)
    if "audience" in inputs:
        given = inputs["audience"]
        audience = Audience.from_table(given.table, customer=roles.customer, findings=given.findings)
        history = history.with_features(shared_features(history, audience))
    else:
        audience = Audience.of(history, given.table)
    return Campaign(history, audience, _unique((*history.findings, *audience.findings)))


def check_terms(project: Project, campaign: Campaign) -> None:
    """Refuse costs, capacities, consents and segments that do not fit the tables, before long work begins.

    Raises:
        SettingError: A channel or a send time is not in the history, or a condition cannot be evaluated.
        DataError: A cost or consent column is missing or holds something else.
    """
    from policies.terms import terms

    terms(campaign.audience.table, campaign.history.actions, project.actions, project.segments)


def unpriced(project: Project, history: History) -> tuple[str, ...]:
    """Return the channels of the history for which neither flags nor file give a cost."""
    priced = {action.channel for action in project.actions}
    missing = (arm.channel for arm in history.actions if not priced & {arm.channel, arm.label})
    return tuple(dict.fromkeys(missing))


def _read(source: Source) -> Input:
    """Return the rows of a source and what reading them found."""
    from uplift.tables import read_table

    table, findings = read_table(source.path, url=source.url, query=source.query)
    return Input(source, table, findings)


def _unique(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings without repeats, in order."""
    return tuple(dict.fromkeys(findings))
