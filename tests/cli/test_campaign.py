"""What becomes of the files that a project names."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.campaign import Campaign, campaign_of, read_inputs
from cli.project import Project
from uplift.errors import DataError

ODD = ("1e1", "1.10", "0.0", "2000-01-01", "true", "007")
FLAGS = {"customer": "id", "cluster": "home", "control": "0.0", "outcome": "spend"}


def written(folder: Path, *, channel: str = "arm", sent: bool = False, customer: str = "id") -> Project:
    """Write a history and an audience of one row for every odd text, and return their project."""
    rows = [f"{text},{text},{text},{i},{i % 3},{8 + i % 2}" for i, text in enumerate(ODD)]
    (folder / "history.csv").write_text("\n".join(["id,home,arm,spend,age,hour", *rows]) + "\n")
    (folder / "audience.csv").write_text(f"{customer},age\n" + "".join(f"{text},1\n" for text in ODD))
    files = {name: str(folder / f"{name}.csv") for name in ("history", "audience")}
    times = {"send_time": "hour"} if sent else {}
    return Project(folder).with_flags({**FLAGS, **files, **times, channel: "arm"})


def campaign(project: Project) -> Campaign:
    return campaign_of(project, read_inputs(project))


@pytest.mark.parametrize("role", ["treatment", "channel"])
def test_ids_and_labels_of_a_text_file_stay_exactly_as_given(tmp_path: Path, role: str) -> None:
    # One role's cells would pass for numbers, dates or truths in a column of their own.
    for text in ODD:
        project = written(tmp_path, channel=role)
        for name in ("history.csv", "audience.csv"):
            header, *rows = (tmp_path / name).read_text().splitlines()
            alike = [row for row in rows if row.startswith(f"{text},")]
            (tmp_path / name).write_text("\n".join([header, *alike]) + "\n")
        found = campaign(project)
        assert found.history.customer.to_pylist() == [text]
        assert found.audience.customer.to_pylist() == [text]
        label = "treatment" if role == "treatment" else "channel"
        assert found.history.extra[label].to_pylist() == [text]


def test_send_times_keep_their_type(tmp_path: Path) -> None:
    history = campaign(written(tmp_path, channel="channel", sent=True)).history
    assert {type(arm.send_time) for arm in history.actions} == {int}
    assert {arm.channel for arm in history.actions} == set(ODD) - {"0.0"}


def test_an_audience_without_the_customer_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"The audience has no column 'id', .*Did you mean 'uid'\?"):
        campaign(written(tmp_path, customer="uid"))


def test_a_column_that_is_empty_in_the_audience_is_a_feature_and_said(tmp_path: Path) -> None:
    project = written(tmp_path)
    (tmp_path / "audience.csv").write_text("id,age\n1,\n2,\n")
    found = campaign(project)
    assert found.history.features.column_names == ["age"]
    assert any("'age' is missing for every customer" in finding.message for finding in found.findings)
