"""Numbers and sentences, written in one place, so that the terminal and the page say the same to the cent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from .fields import Fields, Interval, printable
from .summary import Compared, RulePrice, Summary

UNKNOWN = "not known"
_MONEY_WORDS = {"USD": "dollar", "EUR": "euro", "GBP": "pound"}
_POLICIES = {
    "plan": "This plan",
    "response_score": "Response score",
    "everybody": "Everybody",
    "random": "Random",
    "nobody": "Nobody",
}
_RIVALS = {
    "response_score": "going by the response score",
    "everybody": "contacting everybody",
    "random": "contacting at random",
    "nobody": "contacting nobody",
}
_AT_LIMIT = {
    " capacity": "is full",
    " maximum spend": "is at its maximum spend",
    " minimum spend": "is at its minimum spend",
}
_REASONS = {
    "contacted": "contacted",
    "holdout": "held out at random, so that the campaign can be measured",
    "not_worth_it": "no action is expected to earn more than it costs",
    "budget": "worth contacting, but the budget goes further elsewhere",
    "capacity": "worth contacting, but the channel or send time is full",
    "no_consent": "no consent for any channel that would be worth it",
    "suppressed": "on the suppression list",
}

Format = Callable[[float | None], str]


def _written(value: float | None, decimals: int) -> str:
    if value is None:
        return UNKNOWN
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text


def money(value: float | None) -> str:
    """Return an amount to the cent.

    >>> money(1234.5), money(-0.001), money(None)
    ('1,234.50', '0.00', 'not known')
    """
    return _written(value, 2)


def per_customer(value: float | None) -> str:
    """Return an amount per customer, which is often less than a cent."""
    return _written(value, 4)


def price(value: float) -> str:
    """Return the price of one unit of a rule's limit: cents, or finer where it is a matter of cents.

    >>> price(1.84), price(0.0132), price(0.0)
    ('1.84', '0.0132', '0.00')
    """
    return per_customer(value) if 0 < abs(value) < 0.1 else money(value)


def ratio(value: float | None) -> str:
    """Return a ratio such as an ROI or a slope."""
    return _written(value, 2)


def roi(value: float | None) -> str:
    """Return a return on investment, which does not exist at zero cost."""
    return "undefined" if value is None else ratio(value)


def count(value: float) -> str:
    """Return a number of customers, rows or contacts.

    >>> count(31234)
    '31,234'
    """
    return f"{value:,.0f}"


def percent(share: float) -> str:
    """Return a share in percent.

    >>> percent(0.9), percent(0.0314)
    ('90 %', '3.14 %')
    """
    return f"{100 * share:.3g} %" if share < 0.9995 else f"{100 * share:.6g} %"


def between(interval: Interval, write: Format = money) -> str:
    """Return "lower to upper", or an empty string where there is no interval.

    >>> between(Interval(1, 0.5, 1.5))
    '0.50 to 1.50'
    """
    if interval.lower is None or interval.upper is None:
        return ""
    return f"{write(interval.lower)} to {write(interval.upper)}"


def estimate(interval: Interval, write: Format = money) -> str:
    """Return the point with its interval on a second line, as one cell of a table."""
    return "\n".join(part for part in (write(interval.point), between(interval, write)) if part)


def in_text(interval: Interval, level: float, write: Format = money) -> str:
    """Return the point with its interval in brackets, as part of a sentence.

    >>> in_text(Interval(8420.17, 6100.3, 10700.02), 0.9)
    '8,420.17 (90 %: 6,100.30 to 10,700.02)'
    """
    span = between(interval, write)
    return f"{write(interval.point)} ({percent(level)}: {span})" if span else write(interval.point)


def policy_name(policy: str) -> str:
    """Return the short name of a policy that the plan is compared with."""
    return _POLICIES.get(policy) or policy.replace("_", " ").capitalize()


def rival(policy: str) -> str:
    """Return a policy as what the plan is measured against."""
    return _RIVALS.get(policy) or f"the policy {policy_name(policy).lower()}"


def policy_in_words(row: Compared) -> str:
    """Return the name of a policy with what it does, where that was said."""
    name = policy_name(row.policy)
    return f"{name}: {row.in_words}" if row.in_words and row.in_words.lower() != name.lower() else name


def reason_in_words(reason: str) -> str:
    """Return why a customer got what he got."""
    return _REASONS.get(reason) or printable(reason).replace("_", " ")


def setting(value: object) -> str:
    """Return an assumption's value as people write it.

    >>> setting({"email": 0.02, "sms": 0.08}), setting(True), setting(1.0)
    ('email 0.02, sms 0.08', 'yes', '1')
    """
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return f"{value:,.10g}"
        case Mapping():
            return (
                ", ".join(f"{printable(str(key))} {setting(item)}" for key, item in value.items()) or "none"
            )
        case list() | tuple():
            return ", ".join(setting(item) for item in value) or "none"
        case _:
            return printable(str(value))


def measured(value: float | None, threshold: float | None) -> str:
    """Return what a check measured and the limit it was held against, as far as they are numbers."""
    parts = (("measured", value), ("limit", threshold))
    return ", ".join(f"{name} {_plain(number)}" for name, number in parts if number is not None)


def _plain(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 10_000 else f"{number:,.4g}"


def next_unit(currency: str) -> str:
    """Return "the next dollar" in the plan's currency."""
    return f"the next {_MONEY_WORDS.get(currency, f'1 {currency}')}"


def answer(summary: Summary) -> str:
    """Return the answer in one sentence: what to spend on whom, what it brings, what more would bring."""
    if summary.refused:
        return f"Refused: {summary.refused.rstrip('.')}."
    parts = [_spend(summary), _expectation(summary), _next_dollar(summary), *_full(summary)]
    return "; ".join(part for part in parts if part) + "."


def _spend(summary: Summary) -> str:
    if not summary.contacts and summary.budget == 0:
        return f"Contact nobody: the budget is {money(0.0)} {summary.currency}"
    if not summary.contacts:
        return "Contact nobody: no action is expected to earn more than it costs"
    budget = f" of {money(summary.budget)}" if summary.budget is not None else ""
    return f"Spend {money(summary.spend)}{budget} {summary.currency} on {count(summary.contacts)} customers"


def _expectation(summary: Summary) -> str:
    if summary.forecast is None:
        return ""
    margin = summary.forecast.margin
    span = between(margin)
    level = f" ({percent(summary.level)}: {span})" if span else ""
    return f"expect {money(margin.point)} incremental margin{level}"


def _next_dollar(summary: Summary) -> str:
    budget = summary.budget_price
    if budget is None:
        return ""
    if not budget.binding:
        return "more budget would not earn more"
    return f"{next_unit(summary.currency)} returns {price(budget.price)}"


def _full(summary: Summary) -> list[str]:
    rules = [rule for rule in summary.prices if rule.binding and rule.rule != "budget"]
    rules.sort(key=lambda rule: -abs(rule.price))
    if len(rules) <= 3:
        return [binds(rule) for rule in rules]
    return [*(binds(rule) for rule in rules[:2]), f"{len(rules) - 2} more rules bind"]


def binds(rule: RulePrice) -> str:
    """Return that a rule is at its limit.

    >>> binds(RulePrice("email 12 capacity", 0.1, True, ""))
    'email 12 is full'
    """
    for ending, state in _AT_LIMIT.items():
        if rule.rule.endswith(ending):
            return f"{rule.rule.removesuffix(ending)} {state}"
    return f"the rule {rule.rule} binds"


def caveat(summary: Summary) -> str:
    """Return what a reader must know first: that nothing is planned, or the same for everybody."""
    if summary.refused:
        return "Nothing is planned. What was measured on the way is evidence, not a forecast to spend on."
    if not summary.personalised:
        return (
            "The evidence does not support choosing customer by customer: "
            f"{_uniform(summary)} instead, to customers drawn by lot where the budget does not reach all."
        )
    return ""


def _uniform(summary: Summary) -> str:
    """Return what customers who are all treated alike are given."""
    used = len(summary.by_action)
    return (
        "the best single action is offered"
        if used <= 1
        else f"the {used} best actions on average are offered"
    )


def overridden(summary: Summary) -> str:
    """Return which gates were overridden by name."""
    if not summary.overrides:
        return ""
    return f"Overridden by name: {', '.join(summary.overrides)}. Every number holds only if you accept that."


def model_score(summary: Summary) -> str:
    """Return what the model says of its own plan: a ratio, never money to plan with."""
    if summary.model_ratio is None:
        return ""
    return (
        f"The model's own score of this plan is {ratio(summary.model_ratio)} times the forecast. "
        "It is not a forecast: it comes from the model that chose the plan."
    )


def evidence(summary: Summary) -> str:
    """Return what the forecast rests on: method, rows, effective sample size, folds."""
    forecast = summary.forecast
    if forecast is None:
        return ""
    parts = [
        forecast.method,
        f"{count(forecast.rows)} held-out rows" if forecast.rows else "",
        f"effective sample size {count(forecast.ess)}" if forecast.ess is not None else "",
        f"{forecast.folds} folds" if forecast.folds else "",
    ]
    return ", ".join(part for part in parts if part)


def response_sentence(model: Fields) -> str:
    """Return how well the baseline response model ranks buyers."""
    auc = model.number("auc")
    if auc is None:
        return ""
    buyers, rate = model.count("buyers"), model.number("rate")
    share = f", {percent(rate)} of the rows" if rate is not None else ""
    return (
        f"The response model ranks buyers with an AUC of {auc:.3f} ({count(buyers)} buyers{share}). "
        "It says who buys, not who buys because of a contact."
    )


def optimality(gap: float | None) -> str:
    """Return how far the plan can be from the best plan under the same rules."""
    if gap is None:
        return ""
    share = Decimal(f"{100 * abs(gap):.2g}")
    return f"No plan under the same rules can be better than this one by more than {share:f} %."
