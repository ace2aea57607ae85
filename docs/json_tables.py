"""Write the tables of docs/json.md from the schema that ships. With --check, only say whether they are up to date."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("json.md")
SCHEMA = Path(__file__).parent.parent / "asynclog" / "report" / "schema.json"
HEADER = "| key | meaning |\n| --- | --- |\n"
COMMANDS = ["presets", "init", "check", "estimate", "explain", "cleanup", "show", "history"]
COMMANDS += ["help", "completion", "version"]


def type_name(reference: dict[str, Any]) -> str:
    """Return the name of the type that is referred to."""
    name: str = reference["$ref"].rpartition("/")[2]
    return name


def rows(types: dict[str, Any], name: str, prefix: str = "") -> Iterator[str]:
    """Yield a row for every key that an object of this type has: `a.b`, `a[].b` in a list, `a.*.b` under any name."""
    for key, value in types[name]["properties"].items():
        yield f"| `{prefix}{key}` | {value['description']} |\n"
        inner, way = value, "."
        if value.get("type") == "array":
            inner, way = value["items"], "[]."
        elif value.get("type") == "object":
            inner, way = value["additionalProperties"], ".*."
        if "$ref" in inner:
            yield from rows(types, type_name(inner), prefix + key + way)


def with_tables(page: str, types: dict[str, Any]) -> str:
    """Return the page with the table of each command anew, in the section that has the command's name."""
    for command in COMMANDS:
        succeeded = types[type_name(types[command]["anyOf"][0])]
        table = "".join(rows(types, type_name(succeeded["properties"]["result"])))
        before, heading, section = page.partition(f"\n## `{command}`")
        intro, header, rest = section.partition(HEADER)
        page = before + heading + intro + header + table + re.sub(r"\A(\|.*\n)*", "", rest)
    return page


def main() -> int:
    """Write the page, or with --check return 1 if that would change it."""
    types = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    page = PAGE.read_text(encoding="utf-8")
    new = with_tables(page, types)
    if "--check" in sys.argv[1:]:
        return int(new != page)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
