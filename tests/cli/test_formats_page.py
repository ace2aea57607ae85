"""docs/formats.md is true: each example's lines are of the schema, and from the time, that the page says."""

import re
from pathlib import Path

import pytest
from server import PROJECT

from asynclog.config.presets import load_presets
from asynclog.config.resolve import resolve
from asynclog.records.parsers import parser_for
from asynclog.timestamps import parse_instant

PAGE = (PROJECT / "docs/formats.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```\n\n```json\n(.*?)^```\n\n(.*?)\.$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_has_examples() -> None:
    """All blocks are part of one."""
    assert len(EXAMPLES) == PAGE.count("```yaml\n") == PAGE.count("```json\n") > 5


@pytest.mark.parametrize(("keys", "lines", "sentence"), EXAMPLES)
def test_an_example_is_read_as_the_page_says(tmp_path: Path, keys: str, lines: str, sentence: str) -> None:
    """By its configuration, or by its keys of a profile."""
    file = tmp_path / "asynclog.yaml"
    profile = "".join(f"    {key}\n" for key in keys.splitlines())
    file.write_text(keys if "asynclog: 1" in keys else f"profiles:\n  default:\n    audit: {{path: a}}\n{profile}")
    parser = parser_for(resolve({"config": str(file)}, {}).fields)
    *schemas, time = re.findall(r"`(.*?)`", sentence)
    found = [parser.parse(line.encode()) for line in lines.splitlines()]
    wanted = schemas if len(schemas) == len(found) else schemas * len(found)
    assert found == [(schema, 1, parse_instant(time)) for schema in wanted]


def test_the_table_has_every_preset_and_its_keys() -> None:
    """Each key that says a schema or a time stands in the row of its preset."""
    rows = {row[1]: row[0] for row in re.finditer(r"^\| `(.*?)` \|.*$", PAGE.partition("## Fields")[0], re.MULTILINE)}
    assert list(rows) == list(load_presets())
    for name, preset in load_presets().items():
        assert {*preset.schema, *preset.timestamp} <= {*re.findall(r"`(.*?)`", rows[name])}, name
