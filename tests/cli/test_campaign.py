"""What becomes of the files that a project names."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.campaign import Campaign, campaign_of, read_inputs
from cli.project import Project
from uplift.errors import DataError

ODD = ("1e1", "1.10", "0.0", "2000-01-01", "true", "007")
FLAGS = {"customer": "id", "cluster": "home", "control": "0.0", "outcome": "spend"}


def written(
    folder: Path,
    *,
    channel: str = "treatment",
    sent: bool = False,
    customer: str = "id",
    texts: tuple[str, ...] = ODD,
) -> Project:
    """Write a history and an audience of one row for every text, and return their project."""
    rows = [f"{text},{text},{text},{i},{i % 3},{8 + i % 2}" for i, text in enumerate(texts)]
    (folder / "history.csv").write_text("\n".join(["id,home,arm,spend,age,hour", *rows]) + "\n")
    (folder / "audience.csv").write_text(f"{customer},age\n" + "".join(f"{text},1\n" for text in texts))
    files = {name: str(folder / f"{name}.csv") for name in ("history", "audience")}
    times = {"send_time": "hour"} if sent else {}
    return Project(folder).with_flags({**FLAGS, **files, **times, channel: "arm"})


def campaign(project: Project) -> Campaign:
    return campaign_of(project, read_inputs(project))


@pytest.mark.parametrize("role", ["treatment", "channel"])
@pytest.mark.parametrize("text", ODD)
def test_ids_and_labels_of_a_text_file_stay_exactly_as_given(tmp_path: Path, role: str, text: str) -> None:
    project = written(tmp_path, channel=role, texts=(text,)).with_flags({"control": text})
    found = campaign(project)
    assert found.history.customer.to_pylist() == [text]
    assert found.audience.customer.to_pylist() == [text]
    assert found.history.extra[role].to_pylist() == [text]


def test_homes_that_a_number_could_not_tell_apart_are_apart(tmp_path: Path) -> None:
    assert len(set(campaign(written(tmp_path, texts=("1.1", "1.10", "0.0"))).history.cluster)) == 3


def test_send_times_keep_their_type(tmp_path: Path) -> None:
    history = campaign(written(tmp_path, channel="channel", sent=True)).history
    assert {type(arm.send_time) for arm in history.actions} == {int}
    assert {arm.channel for arm in history.actions} == set(ODD) - {"0.0"}


def test_an_audience_without_the_customer_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"The audience has no column 'id', .*Did you mean 'uid'\?"):
        campaign(written(tmp_path, customer="uid"))


def test_a_column_that_is_empty_in_the_audience_is_no_feature_and_said(tmp_path: Path) -> None:
    project = written(tmp_path)
    (tmp_path / "audience.csv").write_text("id,age\n1,\n2,\n")
    found = campaign(project)
    assert found.history.features.column_names == []
    assert any("'age' is missing for every customer" in finding.message for finding in found.findings)
