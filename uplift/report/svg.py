"""Vega-Lite drawings as inline SVG: no network, no ids that could clash, the page's colours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

import vl_convert

VEGA_LITE = "5.20"
# vl_convert measures text with this font, which it carries; the others have the same widths.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_KEPT_OUT = {"version", "class", "role", "pointer-events", "font-family", "stroke-miterlimit"}
_CONFIG: Mapping[str, object] = {
    "aria": False,
    "background": None,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--soft)",
        "titleColor": "var(--ink)",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelLimit": 150,
        "labelOverlap": True,
    },
}


def draw(spec: Mapping[str, object], *, label: str, kind: str) -> str:
    """Return a Vega-Lite drawing as an `<svg>` element.

    Args:
        spec: The drawing, without its config; colours are CSS variables of the page, marks are not clipped.
        label: What a reader who does not see it is told.
        kind: Its CSS class.
    """
    text = vl_convert.vegalite_to_svg({**spec, "config": _CONFIG}, vl_version=VEGA_LITE)
    root = ElementTree.fromstring(text)
    _clean(root)
    root.attrib.update({"class": kind, "role": "img", "aria-label": label, "font-family": FONT})
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element) -> None:
    element.tag = element.tag.rpartition("}")[2]
    element.attrib = {key: _short(value) for key, value in element.attrib.items() if _kept(key)}
    for child in list(element):
        # Vega keeps labels that would overlap, without showing them; and frames without an outline.
        if child.get("opacity") == "0" or child.get("display") == "none" or child.get("d") == "":
            element.remove(child)
        else:
            _clean(child)


def _kept(key: str) -> bool:
    return key not in _KEPT_OUT and not key.startswith("aria-")


def _short(value: str) -> str:
    return _LONG_NUMBER.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), value)
