"""The page as a browser draws it: in both themes, on a phone and on a desk, on paper, and with 10,000 segments."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from audit_log import record, write_log, write_policy
from browser import browser
from command import NOW, run

from asynclog.timestamps import format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from browser import Browser

NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--no-catalog", "--now", NOW)
EVIL = "<img src='http://127.0.0.1/x' onerror=alert(1)>"
PERIODS = {"app": 150, EVIL: 30, "kept": None}
VIEWS = [(width, dark) for width in (360, 1400) for dark in (False, True)]
AGES = [day + 0.5 for day in range(200) for _ in range(1 + day % 3)]


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a log of 200 days, with 1 to 3 records a day of each schema, and its pages."""
    folder = tmp_path_factory.mktemp("log")
    write_policy(
        folder, *(f"schema_name: {json.dumps(name)}, retention_days: {json.dumps(n)}" for name, n in PERIODS.items())
    )
    lines = [record(name, days=age) for name in PERIODS for age in AGES]
    write_log(folder / "audit", {"logs-20260101T000000.jsonl": lines})
    for command in ("cleanup -n", "estimate", "explain"):
        assert run(*command.split(), *NAMED, "--html", f"{command[:7]}.html", cwd=folder).code == 0
    write_log(folder / EVIL.replace("/", "|"), {"logs-20260101T000000.jsonl": [record(days=400)] * 2000})
    write_log(folder / ("long" * 40), {"logs-20260101T000000.jsonl": lines})
    many = ("--path", "*/logs.jsonl", *NAMED[2:], "--html", "many.html")
    assert run("cleanup", *many, cwd=folder).code == 5
    return folder


# One row for each bar of each chart by age: the chart, the class, and the place and size on the screen.
BARS = """[...document.querySelectorAll('figure.ages')].map(figure => ({
  name: figure.querySelector('code').textContent,
  width: figure.querySelector('svg').getBoundingClientRect().width,
  left: figure.querySelector('svg').getBoundingClientRect().left,
  cutoff: [...figure.querySelectorAll('line.cutoff')].map(line => line.getBoundingClientRect().left),
  bars: [...figure.querySelectorAll('rect')].map(rect => {
    const box = rect.getBoundingClientRect();
    return {kind: rect.className.baseVal, left: box.left, height: box.height, fill: getComputedStyle(rect).fill};
  })}))"""


@pytest.mark.parametrize(("width", "dark"), VIEWS)
def test_the_drawn_bars_are_the_records_by_age(tab: Browser, log: Path, width: int, dark: bool) -> None:
    """As high as their bytes, in the colour of what becomes of them, and the cutoff stands between these."""
    tab.open(log / "cleanup.html", width, dark=dark)
    charts = {chart["name"]: chart for chart in tab.value(BARS)}
    assert charts.keys() == {f"{name}:1" for name in PERIODS}
    for name, days in PERIODS.items():
        chart = charts[f"{name}:1"]
        drawn = sum(bar["height"] for bar in chart["bars"])
        expired = [bar for bar in chart["bars"] if bar["kind"] == "expired"]
        gone = sum(days is not None and age > days for age in AGES) / len(AGES)
        assert sum(bar["height"] for bar in expired) / drawn == pytest.approx(gone, abs=0.01)
        assert bool(chart["cutoff"]) == bool(days)
        if days:
            share = (chart["cutoff"][0] - chart["left"]) / chart["width"]
            assert share == pytest.approx(1 - (days + 1) / 201, abs=0.01)  # the last bar is of today
            assert max(bar["left"] for bar in expired) < chart["cutoff"][0]
            kept = [bar for bar in chart["bars"] if bar["kind"] in {"soon", "later"}]
            assert min(bar["left"] for bar in kept) >= chart["cutoff"][0] - 2 * chart["width"] / 100


@pytest.mark.parametrize("page", ["cleanup", "estimat", "explain", "many"])
@pytest.mark.parametrize(("width", "dark"), VIEWS)
def test_a_page_fits_its_window_and_asks_for_nothing(
    tab: Browser, log: Path, page: str, width: int, dark: bool
) -> None:
    """Nothing lies beyond its edge, nothing was fetched, and the browser has nothing to complain of."""
    tab.open(next(log.glob(f"{page}*.html")), width, dark=dark)
    assert tab.value("document.documentElement.scrollWidth") <= width
    right = "e => e.getBoundingClientRect().right"
    edges = tab.value(f"[...document.querySelectorAll('td,th,code,text,h1,p')].map({right})")
    assert max(edges) <= width
    assert [address for address in tab.requests if not address.endswith(".html")] == []
    assert tab.complaints == []
    assert tab.value("document.images.length + document.scripts.length") == 0
    back, ink = (brightness(tab, name) for name in ("backgroundColor", "color"))
    assert abs(back - ink) > 150
    assert (back < ink) == dark


def brightness(tab: Browser, name: str) -> float:
    colour = tab.value(f"getComputedStyle(document.documentElement).{name}")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


@pytest.mark.parametrize("dark", [False, True])
def test_each_fate_has_a_colour_of_its_own(tab: Browser, log: Path, dark: bool) -> None:
    """That can be told from the others and from the paper, and is that of the legend."""
    tab.open(log / "cleanup.html", dark=dark)
    fills = {bar["kind"]: bar["fill"] for chart in tab.value(BARS) for bar in chart["bars"]}
    assert len(set(fills.values())) == len(fills) == 4
    keys = "[...document.querySelectorAll('.key')].map(e => [e.classList[1], getComputedStyle(e).backgroundColor])"
    assert dict(tab.value(keys)) == fills


def test_what_expires_next_is_drawn_day_by_day(tab: Browser, log: Path) -> None:
    """Each bar as high as the bytes of its day, which its tooltip says, too."""
    tab.open(log / "cleanup.html")
    bars = tab.value(
        "[...document.querySelectorAll('figure.due g')].map(g => [g.querySelector('title').textContent, "
        "g.querySelector('rect').getBoundingClientRect().height])"
    )
    now = parse_instant(NOW)
    assert now is not None
    sizes = [len(record(name)) for name in PERIODS]
    expected = {}
    for ahead in range(1, 91):
        day = format_instant(now + ahead * 86_400 * 10**9)[:10]
        many = {
            name: sum(int(days - age) == ahead - 1 for age in AGES if age < days)
            for name, days in PERIODS.items()
            if days
        }
        total = sum(many[name] * size for name, size in zip(PERIODS, sizes, strict=True) if name in many)
        if total:
            expected[day] = (sum(many.values()), total)
    assert [title.split(":")[0] for title, _ in bars] == list(expected)
    highest = max(total for _, total in expected.values())
    tallest = max(height for _, height in bars)
    for (title, height), (count, total) in zip(bars, expected.values(), strict=True):
        assert f": {count} record" in title
        assert height / tallest == pytest.approx(total / highest, abs=0.02)


def test_a_page_prints_on_a4(tab: Browser, log: Path) -> None:
    """In the light colours whatever the theme; rows and charts are not cut; the colours of the bars are printed."""
    tab.open(log / "cleanup.html", dark=True)
    pdf = tab.pdf()
    boxes = {tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox\s*\[([\d. ]+)\]", pdf)}
    assert boxes
    assert all((width, height) == pytest.approx((595, 842), abs=1) for _, _, width, height in boxes)
    tab.print_media()
    assert tab.value("getComputedStyle(document.querySelector('figure')).breakInside") == "avoid"
    assert tab.value("getComputedStyle(document.querySelector('rect')).printColorAdjust") == "exact"
    assert brightness(tab, "backgroundColor") == 255
    assert tab.value("getComputedStyle(document.querySelector('table.cards td')).display") == "table-cell"
    foot = "getComputedStyle(document.querySelector('tfoot')).display"
    assert tab.value(foot) == "table-row-group", "else the sums stand at the end of each sheet"


def test_ten_thousand_segments_fit_a_page(tab: Browser, tmp_path: Path) -> None:
    """Under 2 MiB, all of them listed, by each command."""
    write_policy(tmp_path)
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    names = [f"logs-{begin + timedelta(minutes=n):%Y%m%dT%H%M%S}.jsonl" for n in range(10_000)]
    old, young = record() * 2, record() + record(days=1)
    write_log(tmp_path / "audit", {name: (old, young, record(days=1))[n % 3] for n, name in enumerate(names)})
    for command in ("cleanup -n", "explain"):
        assert run(*command.split(), *NAMED, "--html", "page.html", cwd=tmp_path).code == 0
        assert (tmp_path / "page.html").stat().st_size < 2 << 20
        tab.open(tmp_path / "page.html")
        assert tab.value("document.querySelectorAll('.segments tbody tr').length") == len(names)
