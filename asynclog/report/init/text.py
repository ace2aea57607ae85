"""The result of `init` as text: the files, the schemas, and then what needs attention."""

from collections.abc import Iterator

from asynclog.config.presets import load_presets
from asynclog.escaping import escape_control
from asynclog.formatting import fold, format_size
from asynclog.report.envelope import CommandResult
from asynclog.report.init.result import InitResult
from asynclog.tables import columns

AGAIN = "remove audit-schemas.yaml and run init again"  # it goes on from the configuration that is there
_NEXT = "asynclog check, asynclog cleanup --dry-run"


def as_text(report: CommandResult[InitResult], width: int | None = None) -> str:
    """Return the result as lines, without a newline at the end; tables fit into this width."""
    return "\n".join(_lines(report.result, width))


def _lines(result: InitResult, width: int | None) -> Iterator[str]:
    yield escape_control(result.message)
    for path in result.files:
        yield f"  {escape_control(path)}"
    yield from _recognised(result)
    if result.schemas:
        rows = [["schema", "records", "size", "oldest", "newest"]]
        for name, holding in result.schemas.items():
            size = format_size(holding.bytes)
            rows.append([name, f"{holding.records:,}", size, holding.oldest or "", holding.newest or ""])
        yield ""
        yield from columns(rows, right={1, 2}, width=width)
        yield ""
    elif not (result.registry or result.left_out):
        what = "the log has records, and asynclog.yaml says how they are read"
        if not result.segments.total:
            what = "asynclog.yaml says which log it is, and that has segments"
        yield f"No schema was found: once {what}, {AGAIN}"
    for name in result.left_out:
        yield f"Left out: {escape_control(name)}: a YAML policy can't have a rule for it alone"
    for unread in fold(result.unread.items()):
        yield escape_control(f"Not read: {unread}")
    for warning in result.warnings:
        yield f"Warning: {escape_control(warning)}"
    yield from _next(result)


def _next(result: InitResult) -> Iterator[str]:
    """Yield what to do now."""
    if result.registry:
        yield f"The rules are those of {escape_control(result.registry)}. Next: {_NEXT}"
        return
    yield f"Nothing is deleted until you give retention_days. Then: {_NEXT}"
    if result.preset:
        show = f"asynclog presets show {escape_control(result.preset)}"
        yield f"{show} has the usual periods: they take the place of the rules in audit-schemas.yaml"


def _recognised(result: InitResult) -> Iterator[str]:
    """Yield what was recognised, and the keys that a schema is made of if there are several."""
    yield from map(escape_control, result.recognised)
    parts = load_presets()[result.preset].schema if result.preset else ()
    if len(parts) > 1:
        yield f"The schemas are {'/'.join(parts)}, with - for what is absent"
