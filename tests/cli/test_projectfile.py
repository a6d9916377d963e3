from __future__ import annotations

from pathlib import Path

import pytest

from cli.projectfile import read_project
from uplift.errors import SettingError

WHOLE = """\
currency = "EUR"
[history]
path = "history.parquet"
customer = "customer_id"
channel = "channel"
send_time = "send_hour"
control = "none"
probability = "assignment_probability"
outcome = "margin"
response = "converted"
exclude = ["cost"]
[audience]
path = "audience.parquet"
[money]
margin = 0.4
[actions.email]
cost = 0.02
response_cost = 1.5
capacity = 20000
send_time_capacity = { 8 = 5000, "Tue 18:00" = 10 }
min_spend = 0
max_spend = 5000
consent = "email_consent"
[actions."paper mail"]
cost_column = "postage"
[plan]
budget = 50000
holdout = 0.1
min_roi = 0.5
level = 0.8
risk_aversion = 1
[[plan.segments]]
where = "tier = 'gold'"
min_contacts = 100
max_contacts = 5000
"""


def project_of(folder: Path, text: str) -> object:
    (folder / "uplift.toml").write_text(text, encoding="utf-8")
    return read_project(folder)


def test_every_setting_of_the_documentation_is_read(tmp_path: Path) -> None:
    (tmp_path / "uplift.toml").write_text(WHOLE, encoding="utf-8")
    project = read_project(tmp_path)
    email, mail = project.actions
    assert (project.currency, project.margin, project.control, project.exclude) == (
        "EUR",
        0.4,
        "none",
        ("cost",),
    )
    assert project.history is not None
    assert project.history.path == tmp_path / "history.parquet"
    assert project.audience is not None
    assert project.audience.path == tmp_path / "audience.parquet"
    assert (email.channel, email.cost, email.response_cost) == ("email", 0.02, 1.5)
    assert (email.capacity, email.max_spend, email.consent) == (20000, 5000.0, "email_consent")
    assert email.send_time_capacity == {"8": 5000, "Tue 18:00": 10}
    assert (mail.channel, mail.cost, mail.cost_column) == ("paper mail", 0.0, "postage")
    settings = project.plan
    assert (settings.budget, settings.holdout, settings.min_roi) == (50000.0, 0.1, 0.5)
    assert (settings.level, settings.risk_aversion) == (0.8, 1.0)
    (segment,) = project.segments
    assert (segment.where, segment.min_contacts, segment.max_contacts) == ("tier = 'gold'", 100, 5000)
    roles = project.roles()
    assert (roles.channel, roles.send_time, roles.outcome, roles.margin) == (
        "channel",
        "send_hour",
        "margin",
        0.4,
    )


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "uplift.toml").write_bytes(b"\xef\xbb\xbf" + WHOLE.encode())
    assert read_project(tmp_path).currency == "EUR"


def test_the_file_itself_may_be_named_instead_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "uplift.toml").write_text(WHOLE, encoding="utf-8")
    assert read_project(tmp_path / "uplift.toml") == read_project(tmp_path)


def test_a_folder_without_a_file_is_an_empty_project(tmp_path: Path) -> None:
    project = read_project(tmp_path)
    assert not project.exists
    assert project.history is None


def test_a_folder_that_is_not_there_is_an_error_that_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="uplift init"):
        read_project(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('curency = "USD"', "uplift.toml has no setting 'curency'. Did you mean 'currency'?"),
        ("[plans]\nbudget = 1", "uplift.toml has no setting 'plans'. Did you mean 'plan'?"),
        ("[plan]\nbugdet = 1", "[plan] has no setting 'bugdet'. Did you mean 'budget'?"),
        (
            "[actions.email]\ncosts = 1\ncost = 1",
            "[actions.email] has no setting 'costs'. Did you mean 'cost'?",
        ),
        ("[actions.email]\ncost = -1", "[actions.email]: cost is -1, and should be a number of at least 0"),
        ('[actions.email]\ncost = "2"', "[actions.email]: cost is '2', and should be a number"),
        ("[actions.email]\ncost = nan", "cost is nan"),
        ("[actions.email]\ncost = true", "cost is True, and should be a number"),
        ("[actions.email]\ncapacity = 5", "[actions.email] needs either cost = AMOUNT or cost_column"),
        ('[actions.email]\ncost = 1\ncost_column = "c"', "needs either cost"),
        ("[actions.email]\ncost = 1\ncapacity = 1.5", "capacity is 1.5, and should be a whole number"),
        ("[actions.email]\ncost = 1\nmin_spend = 5\nmax_spend = 4", "min_spend 5 is above max_spend 4"),
        (
            "[actions.email]\ncost = 1\nsend_time_capacity = { 8 = -1 }",
            "[actions.email.send_time_capacity]: 8 is -1, and should be a whole number",
        ),
        ("actions = 3", "uplift.toml: actions is 3, and should be a table"),
        ("[history]\npath = 3", "[history]: path is 3, and should be a text"),
        ('[history]\npath = "a"\nurl = "b"\nquery = "c"', "[history] names both a path and a url"),
        ('[history]\nurl = "postgresql://x"', "[history] names a url without a query"),
        ('[history]\nexclude = "cost"', "exclude is 'cost', and should be a list of texts"),
        ('[history]\ncontrol = ""', "[history]: control is '', and should be a text"),
        ("[plan]\nbudget = -1", "[plan]: budget is -1, and should be a number of at least 0"),
        ("[plan]\nlevel = 90", "[plan]: level is 90, and should be a number from 0 to 1"),
        ("[plan]\nlevel = 1", "level is 1, and should be between 0 and 1"),
        ("[plan]\nholdout = 1.0", "holdout is 1, and should be between 0 and 1"),
        ("[plan]\nsegments = 1", "segments is 1, and should be tables, each under [[plan.segments]]"),
        ("[[plan.segments]]\nmin_contacts = 1", "[plan.segments] number 1 has no condition"),
        ('[[plan.segments]]\nwhere = "a"', "[plan.segments] number 1 limits nothing"),
        (
            '[[plan.segments]]\nwhere = "a"\nmin_contacts = 2\nmax_contacts = 1',
            "min_contacts 2 is above max_contacts 1",
        ),
        ('currency = "usd"', "currency is 'usd', and should be three capital letters"),
        ("[money]\nmargin = -0.1", "[money]: margin is -0.1"),
        ("currency = USD", "is not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_needed(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "uplift.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingError) as caught:
        read_project(tmp_path)
    assert told in str(caught.value)


def test_a_file_that_is_not_utf_8_is_one_of_our_errors(tmp_path: Path) -> None:
    (tmp_path / "uplift.toml").write_bytes('currency = "é"'.encode("cp1252"))
    with pytest.raises(SettingError, match="not valid TOML"):
        read_project(tmp_path)


def test_a_control_that_is_a_number_is_its_label(tmp_path: Path) -> None:
    (tmp_path / "uplift.toml").write_text("[history]\ncontrol = 0", encoding="utf-8")
    assert read_project(tmp_path).control == "0"
