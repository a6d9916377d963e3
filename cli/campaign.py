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
# Ids and labels, which a file's text must not lose to a type ("1.10" is not "1.1"); the customer first.
TEXT_ROLES = ("customer", "cluster", "treatment", "channel")
# Gates that speak of costs: what is wrong with how costs are named says more.
OF_COSTS = frozenset({"G9"})


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
    columns = project.columns
    ids = tuple(columns[role] for role in TEXT_ROLES if role in columns)
    found = {"history": _read(project.history, ids)}
    if project.audience is not None:
        found["audience"] = _read(project.audience, ids[:1] if "customer" in columns else ())
    return found


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
        found = Audience.from_table(given.table, customer=roles.customer, findings=given.findings)
        audience = Audience.like(found, history)
        history = history.with_features(shared_features(history, audience))
    else:
        audience = Audience.of(history, given.table)
    return Campaign(history, audience, _unique((*history.findings, *audience.findings)))


def check_terms(project: Project, campaign: Campaign, findings: Iterable[Finding]) -> None:
    """Refuse costs, capacities, consents and segments that do not fit the tables, before long work begins.

    Where a gate refuses the history itself, nothing is checked: its reason comes first.

    Args:
        project: Names the terms.
        campaign: The tables.
        findings: What the gates said, overrides applied.

    Raises:
        SettingError: A channel or a send time is not in the history, or a condition cannot be evaluated.
        DataError: A cost or consent column is missing or holds something else.
    """
    from policies.terms import terms

    if {finding.code for finding in findings if finding.verdict == "refuse"} - OF_COSTS:
        return
    terms(campaign.audience.table, campaign.history.actions, project.actions, project.segments)


def unpriced(project: Project, history: History) -> tuple[str, ...]:
    """Return the channels of the history for which neither flags nor file give a cost."""
    priced = {action.channel for action in project.actions}
    missing = (arm.channel for arm in history.actions if not priced & {arm.channel, arm.label})
    return tuple(dict.fromkeys(missing))


def _read(source: Source, text: tuple[str, ...]) -> Input:
    """Return the rows of a source, some columns left as text, and what reading them found."""
    from uplift.tables import read_table

    table, findings = read_table(source.path, url=source.url, query=source.query, text=text)
    return Input(source, table, findings)


def _unique(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings without repeats, in order."""
    return tuple(dict.fromkeys(findings))
