from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from experiments.health import srm

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "experiments.json").read_text())


@pytest.mark.parametrize("case", REFERENCE["srm"], ids=lambda case: case["source"])
def test_published_sample_ratio_tests_are_reproduced(case: dict[str, Any]) -> None:
    found = srm(case["counts"])
    assert found.p == pytest.approx(case["p"], rel=case["rel"])
    assert found.statistic == pytest.approx(case.get("statistic", found.statistic), rel=1e-5)
    assert found.observed == pytest.approx([count / sum(case["counts"]) for count in case["counts"]])


def test_a_designed_ratio_is_what_the_counts_are_held_against() -> None:
    assert srm([1000, 9000], shares=[0.1, 0.9]).p == pytest.approx(1.0)
    assert srm([1000, 9000]).p < 1e-100
