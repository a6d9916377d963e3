"""Project: what uplift.toml says, overlaid by the flags of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from uplift.errors import SettingError

if TYPE_CHECKING:
    from policies.actions import Action, Segment
    from uplift.history import Roles, SendTimeBins

FILE = "uplift.toml"
PLAN_FLAGS = ("budget", "holdout", "min_roi", "level", "risk_aversion")
COLUMN_ROLES = (
    "customer",
    "treatment",
    "channel",
    "send_time",
    "probability",
    "outcome",
    "response",
    "cluster",
    "assigned_at",
    "outcome_at",
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from: a file (with a query, if it is a database file) or a database URL and a query."""

    path: Path | None = None
    url: str | None = None
    query: str | None = None

    @classmethod
    def of(cls, text: str, query: str | None) -> Source:
        """Return the source a flag names: a URL where it holds "://", a path otherwise."""
        return cls(url=text, query=query) if "://" in text else cls(path=Path(text), query=query)


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """The numbers a plan is made with; None where nobody set them.

    Attributes:
        budget: Money for contacts and expected response costs.
        holdout: Share of customers kept out at random, in [0, 1).
        min_roi: Floor of profit / cost of the whole plan.
        level: Two-sided level of every interval, in (0, 1).
        risk_aversion: κ of the objective value − κ·se.
    """

    budget: float | None = None
    holdout: float = 0.05
    min_roi: float = 0.0
    level: float = 0.9
    risk_aversion: float = 0.0


@dataclass(frozen=True, slots=True)
class Project:
    """One campaign project: where its rows are, what its columns mean, what its actions cost.

    Attributes:
        folder: The project's folder; relative paths of its file start here.
        exists: Whether the folder holds a project file.
        currency: Three letters, or None where nobody named it.
        history: Where the campaign history is.
        columns: Role → column of the history.
        control: The control's label.
        exclude: Columns that are not features.
        audience: Where the customers to plan for are; None plans for those of the history.
        margin: Share of the outcome that is contribution margin, or None where nobody said.
        actions: What each channel (or arm) costs and may be used for.
        segments: Floors and caps on contacts, by condition.
        plan: The numbers a plan is made with.
        bins: How timestamps become send times.
    """

    folder: Path
    exists: bool = False
    currency: str | None = None
    history: Source | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    control: str | None = None
    exclude: tuple[str, ...] = ()
    audience: Source | None = None
    margin: float | None = None
    actions: tuple[Action, ...] = ()
    segments: tuple[Segment, ...] = ()
    plan: PlanSettings = PlanSettings()
    bins: SendTimeBins | None = None

    def roles(self) -> Roles:
        """Return which column of the history plays which part.

        Raises:
            SettingError: The outcome, the control or the column of arms is not named.
        """
        from uplift.history import Roles

        for role, found in (("outcome", "outcome" in self.columns), ("control", self.control is not None)):
            if not found:
                raise SettingError(_not_named(role))
        if not {"treatment", "channel"} & set(self.columns):
            raise SettingError(_not_named("treatment", "or --channel COL"))
        if {"treatment", "channel"} <= set(self.columns):
            raise SettingError(
                "Both a treatment and a channel column are named: arms come from one column (--treatment) or "
                "from pairs (--channel with --send-time). Keep one of them."
            )
        margin = 1.0 if self.margin is None else self.margin
        return Roles(**self.columns, control=cast(str, self.control), exclude=self.exclude, margin=margin)

    def again(self) -> tuple[object, ...]:
        """Return the words that name this project in the next command."""
        if not self.exists:
            return ("… (with the same options)",)
        return () if self.folder == Path() else ("-p", self.folder)

    def with_flags(self, flags: Mapping[str, Any]) -> Project:
        """Return the project with what the command line names in place of what the file says.

        Args:
            flags: Option name → value; None (or an empty tuple) where an option was not given.
        """
        given = {name: value for name, value in flags.items() if value is not None and value != ()}
        return replace(
            self,
            currency=given.get("currency", self.currency),
            history=_flagged(self, "history", given),
            columns=_columns(self.columns, given),
            control=given.get("control", self.control),
            exclude=given.get("exclude", self.exclude),
            audience=_flagged(self, "audience", given),
            margin=given.get("margin", self.margin),
            actions=_priced(self.actions, given.get("cost", ())),
            plan=replace(self.plan, **{name: given[name] for name in PLAN_FLAGS if name in given}),
        )


def _not_named(role: str, more: str = "") -> str:
    """Return the message for a role that neither flags nor file name."""
    what = "label" if role == "control" else "column"
    flag = f"--{role} {'LABEL' if role == 'control' else 'COL'}"
    return (
        f"No {what} is named as {role}. Add {' '.join(filter(None, (flag, more)))}, "
        f"or {role} = … under [history] in {FILE}."
    )


def _columns(file: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, str]:
    """Return role → column, where a flag's kind of arms replaces the file's kind."""
    columns = dict(file)
    if "treatment" in given:
        columns = {role: name for role, name in columns.items() if role not in ("channel", "send_time")}
    if "channel" in given:
        columns.pop("treatment", None)
    return columns | {role: str(given[role]) for role in COLUMN_ROLES if role in given}


def _flagged(project: Project, name: str, given: Mapping[str, Any]) -> Source | None:
    """Return the source that flags name, or the project's own."""
    own: Source | None = getattr(project, name)
    query = given.get(f"{name}_query")
    if name in given:
        if not str(given[name]).strip():
            raise SettingError(
                f"--{name} is empty. Name a file, or a database's address with --{name}-query."
            )
        return Source.of(str(given[name]), query)
    if query is None:
        return own
    if own is None:
        raise SettingError(f"--{name}-query needs --{name}: a database file or URL to ask.")
    return replace(own, query=query)


def _priced(actions: tuple[Action, ...], costs: tuple[tuple[str, float], ...]) -> tuple[Action, ...]:
    """Return the actions with the costs that flags name, those of new labels added."""
    if not costs:
        return actions
    from policies.actions import Action

    by_label = {action.channel: action for action in actions}
    for label, cost in costs:
        known = by_label.get(label, Action(label))
        by_label[label] = replace(known, cost=cost, cost_column=None)
    return tuple(by_label.values())
