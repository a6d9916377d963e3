from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cli.project import PlanSettings, Project, Source
from policies.actions import Action
from uplift.errors import SettingError

FILE = Project(
    Path("demo"),
    exists=True,
    currency="EUR",
    history=Source(Path("demo/history.parquet")),
    columns={"channel": "channel", "send_time": "hour", "outcome": "margin"},
    control="none",
    exclude=("cost",),
    audience=Source(Path("demo/audience.parquet")),
    margin=0.4,
    actions=(Action("email", cost=0.02, capacity=7), Action("sms", cost=0.08)),
    plan=PlanSettings(budget=100.0, level=0.8),
)
# As click hands them over: every option is there, unset ones as None or ().
UNSET = {"history": None, "cost": (), "exclude": (), "margin": None, "budget": None, "treatment": None}


def test_flags_that_are_not_given_change_nothing() -> None:
    assert FILE.with_flags(UNSET) == FILE


def test_a_flag_overrides_the_file() -> None:
    found = FILE.with_flags(
        {"margin": 0.0, "budget": 5.0, "exclude": ("visit",), "outcome": "spend", "currency": "USD"}
    )
    assert (found.margin, found.plan.budget, found.plan.level) == (0.0, 5.0, 0.8)
    assert (found.exclude, found.columns["outcome"], found.currency) == (("visit",), "spend", "USD")


def test_a_column_of_arms_replaces_the_pairs_of_the_file_and_the_other_way_round() -> None:
    arms = FILE.with_flags({"treatment": "segment"})
    assert arms.columns == {"treatment": "segment", "outcome": "margin"}
    assert arms.with_flags({"channel": "c"}).columns == {"channel": "c", "outcome": "margin"}


def test_a_cost_changes_the_cost_alone_and_a_new_label_is_a_new_action() -> None:
    found = FILE.with_flags({"cost": (("email", 0.5), ("push", 0.01))})
    assert found.actions == (
        Action("email", cost=0.5, capacity=7),
        Action("sms", cost=0.08),
        Action("push", cost=0.01),
    )


def test_a_history_may_be_a_file_or_an_address() -> None:
    assert FILE.with_flags({"history": "h.csv"}).history == Source(Path("h.csv"))
    asked = FILE.with_flags({"history": "postgresql://db/x", "history_query": "select 1"})
    assert asked.history == Source(url="postgresql://db/x", query="select 1")
    assert FILE.with_flags({"history_query": "select 2"}).history == Source(
        Path("demo/history.parquet"), query="select 2"
    )


def test_a_query_needs_something_to_ask() -> None:
    with pytest.raises(SettingError, match="--audience-query needs --audience"):
        replace(FILE, audience=None).with_flags({"audience_query": "select 1"})


@pytest.mark.parametrize(
    ("project", "told"),
    [
        (replace(FILE, control=None), "No label is named as control. Add --control LABEL"),
        (replace(FILE, columns={"channel": "c"}), "No column is named as outcome. Add --outcome COL"),
        (replace(FILE, columns={"outcome": "o"}), "Add --treatment COL or --channel COL"),
        (
            replace(FILE, columns={"outcome": "o", "channel": "c", "treatment": "t"}),
            "Both a treatment and a channel column are named",
        ),
    ],
)
def test_a_role_that_is_missing_is_named_with_its_flag(project: Project, told: str) -> None:
    with pytest.raises(SettingError) as caught:
        project.roles()
    assert told in str(caught.value)


def test_the_next_command_names_the_project_again() -> None:
    assert FILE.again() == ("-p", Path("demo"))
    assert replace(FILE, folder=Path()).again() == ()
    assert replace(FILE, exists=False).again() == ("… (with the same options)",)
