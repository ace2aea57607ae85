"""Fields as the kernel takes them: nodes of a tree instead of paths, if it knows such fields."""

from asynclog.records.fields import MXCP_FIELDS, Fields, FlatFields, MappedFields, WholeFile, keys_of
from asynclog.timestamps import FIRST_PLAUSIBLE, SECOND

DEEPEST = 4  # keys of a path
MOST_NODES = 63
MOST_FIELDS = 8

_DIGITS = {"unix_s": 9, "unix_ms": 6, "unix_us": 3, "unix_ns": 0}  # that nanoseconds have beyond the unit
_NO_UNIT = -1
_LAST = 7_258_118_400 * SECOND  # 2200-01-01T00:00:00Z

Node = tuple[int, str]  # the number of the node before it, from 1, or 0; and its key
Place = tuple[int, int]  # the nodes of a key as it stands, and of the end of a path; 0 for none
# Nodes, alternatives of the time, parts of the schema, version, whether the schema is a name, the constant one, decimal
# digits of nanoseconds in the unit of numbers, whether texts are read, and the file's time.
Layout = tuple[tuple[Node, ...], tuple[Place, ...], tuple[Place, ...], Place, bool, str | None, int, bool, int]


def kernel_fields(fields: Fields) -> tuple[str, str, str] | Layout | None:
    """Return the fields as the kernel takes them; None if it does not know such fields, or no form of their time."""
    if isinstance(fields, FlatFields):
        return fields.as_tuple()
    if isinstance(fields, WholeFile):  # there is no line to read, and the kernel's digests are faster
        return MXCP_FIELDS.as_tuple()
    digits, reads_texts = _first_forms(fields)
    if fields.timestamp and digits == _NO_UNIT and not reads_texts:
        return None
    nodes: dict[Node, int] = {}
    places = {path: _place(nodes, path) for path in fields.paths()}
    too_deep = any(len(keys_of(path)) > DEEPEST for path in places)
    if too_deep or len(nodes) > MOST_NODES or max(len(fields.timestamp), len(fields.schema)) > MOST_FIELDS:
        return None
    return (
        tuple(nodes),
        tuple(places[path] for path in fields.timestamp),
        tuple(places[path] for path in fields.schema),
        (0, 0) if fields.version is None else places[fields.version],
        fields.is_named,
        None if fields.schema else fields.constant,
        digits,
        reads_texts,
        fields.file_time if FIRST_PLAUSIBLE <= fields.file_time < _LAST else -1,
    )


def _first_forms(fields: MappedFields) -> tuple[int, bool]:
    """Return the digits of the first form that reads numbers, and whether the first that reads texts is RFC 3339."""
    units = [_DIGITS[form] for form in fields.forms if form in _DIGITS]
    texts = [form for form in fields.forms if form not in _DIGITS]
    return units[0] if units else _NO_UNIT, texts[:1] == ["rfc3339"]


def _place(nodes: dict[Node, int], path: str) -> Place:
    """Return where a path leads to, with new nodes for it."""
    literal = nodes.setdefault((0, path), len(nodes) + 1)
    node = 0
    for key in keys_of(path):
        node = nodes.setdefault((node, key), len(nodes) + 1)
    return literal, node
