"""Sample and Space: what learners see of a history, as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .encoder import Codes, Encoder
from .errors import SettingError
from .forest import ACTION_CODES
from .history import Arm, History

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Space:
    """The actions as features, so that a model can share strength between those that are alike.

    Attributes:
        design: (k, q) codes of the k actions: their channel and send time where these vary.
        ordered: (q,) whether the codes of a column have an order (numeric send times).
        channel: (k,) number of the channel each action belongs to.
    """

    design: Codes
    ordered: tuple[bool, ...]
    channel: Ints

    @classmethod
    def of(cls, actions: Sequence[Arm]) -> Space:
        """Describe actions by channel and send time; a column that never varies is left out.

        Raises:
            SettingError: There are more channels or send times than codes to tell them apart.
        """
        channels = list(dict.fromkeys(action.channel for action in actions))
        times = list(dict.fromkeys(action.send_time for action in actions))
        if max(len(channels), len(times)) > ACTION_CODES:
            raise SettingError(
                f"The history holds {len(channels)} channels and {len(times)} send times; effects are learned for"
                f" up to {ACTION_CODES} of each. Bin the send times, or merge arms that are alike."
            )
        numeric = all(isinstance(time, int | float) for time in times)
        if numeric:
            times = sorted(times, key=lambda time: float(time or 0))
        channel = np.array([channels.index(action.channel) for action in actions], np.int32)
        time = np.array([times.index(action.send_time) for action in actions], np.int32)
        columns = [(channel, False)] * (len(channels) > 1) + [(time, numeric)] * (len(times) > 1)
        design = np.zeros((len(actions), len(columns)), np.uint8)
        for j, (codes, _) in enumerate(columns):
            design[:, j] = codes
        return cls(design, tuple(ordered for _, ordered in columns), channel)

    def __len__(self) -> int:
        """Return the number of actions."""
        return len(self.design)


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of a history, encoded for learning.

    Attributes:
        codes: (n, d) codes of the features.
        categories: Positions of the features whose codes have no order.
        space: The k actions.
        arm: (n,) action given, −1 for control.
        outcome: (n,) margin in money.
        response: (n,) whether the customer responded.
        propensity: (n,) probability of the arm given.
        two_part: Whether the outcome is mostly zero, so that response and margin are worth separate models.
            Decided once for a history: parts of it must not fall on different sides of the line.
    """

    codes: Codes
    categories: tuple[int, ...]
    space: Space
    arm: Ints
    outcome: Floats
    response: Bools
    propensity: Floats
    two_part: bool

    @classmethod
    def of(cls, history: History, encoder: Encoder) -> Sample:
        """Encode a history."""
        return cls(
            codes=encoder.transform(history.features),
            categories=tuple(encoder.categories),
            space=Space.of(history.actions),
            arm=history.arm,
            outcome=history.outcome,
            response=history.response,
            propensity=history.propensity,
            two_part=bool(0 < history.response.mean() < 0.8),
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.arm)

    def take(self, rows: Bools | npt.NDArray[np.intp]) -> Sample:
        """Return the sample of some rows."""
        return replace(
            self,
            codes=np.asfortranarray(self.codes[rows]),
            arm=self.arm[rows],
            outcome=self.outcome[rows],
            response=self.response[rows],
            propensity=self.propensity[rows],
        )
