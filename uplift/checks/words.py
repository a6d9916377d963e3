"""Words: names that speak of what happened after the assignment, and how a p-value is said."""

from __future__ import annotations

import re

# What only happens once something was sent. Labels of arms must say it in the past tense: "open day" is an
# offer.
HAPPENED = frozenset(
    {
        "bounced",
        "clicked",
        "converted",
        "delivered",
        "opened",
        "purchased",
        "read",
        "redeemed",
        "responded",
        "seen",
    }
    | {"undelivered", "unopened", "unsubscribed", "viewed", "visited"}
)
HAPPENING = HAPPENED | frozenset(
    {
        "bounce",
        "click",
        "clicks",
        "complaint",
        "conversion",
        "conversions",
        "delivery",
        "open",
        "opens",
        "purchase",
    }
    | {"redemption", "response", "unsubscribe", "view", "views", "visit", "visits"}
)
# What makes such a name one of an earlier time, or of a person rather than of this campaign.
EARLIER = frozenset(
    {
        "ago",
        "avg",
        "average",
        "before",
        "count",
        "ever",
        "freq",
        "frequency",
        "hist",
        "historical",
        "history",
        "last",
    }
    | {
        "lifetime",
        "mean",
        "past",
        "pre",
        "prev",
        "previous",
        "prior",
        "prob",
        "propensity",
        "rate",
        "recency",
    }
    | {"score", "since", "total"}
)


def p_in_words(p: float) -> str:
    """Return a p-value as it stands in a sentence.

    >>> p_in_words(0.0123), p_in_words(0.0)
    ('p = 0.012', 'p < 1e-99')
    """
    return f"p = {p:.2g}" if p >= 1e-99 else "p < 1e-99"


def words(name: str) -> list[str]:
    """Return a name's words in lower case.

    >>> words("emailOpened_30d")
    ['email', 'opened', '30d']
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.findall(r"[^\W_]+", apart.lower())


def says_happened(name: str) -> bool:
    """Return whether a label or column of arms says what was delivered or done rather than assigned.

    >>> says_happened("not opened"), says_happened("open day e-mail")
    (True, False)
    """
    return not HAPPENED.isdisjoint(words(name))


def sounds_after(name: str) -> bool:
    """Return whether a feature's name sounds like something recorded after the assignment.

    >>> sounds_after("visit"), sounds_after("visits_last_year"), sounds_after("clicks_90d")
    (True, False, False)
    """
    found = words(name)
    windowed = any(re.fullmatch(r"\d+(d|w|m|y|days|weeks|months|years)?", word) for word in found)
    return not HAPPENING.isdisjoint(found) and EARLIER.isdisjoint(found) and not windowed
