"""A YAML file, read safely: plain data, and the line on which each value stands.

Only what a configuration needs: mappings with text keys, lists, text, numbers, true/false, null. No tags, no
aliases, no key twice, no deep nesting, and no number that two people could read as two numbers.
"""

import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
import yaml

from asynclog.config.reading.file_text import Origin, read_file
from asynclog.config.reading.msgspec_errors import KeyPath, explain
from asynclog.errors import ConfigurationError

DEEPEST = 32
LARGEST = 8 << 20  # bytes; a policy of 1,000 schemas has about 100 KiB
_SHOWN = 40  # characters of a value
MOST_EVENTS = 250_000  # a rule has some ten: beginning, keys and values, end
MOST_DIRECTIVES = 10  # lines that begin with %; the C parser compares each to all

T = TypeVar("T")

# The C parser crashes on a file that is nested very deeply; the event pass below refuses it before that.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})")
_NO_ALIAS = "aliases are not supported, and text that begins with * needs quotes"
_DIRECTIVE = re.compile("^%", re.MULTILINE)
_FRACTION = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+")
_TRUE = {"true", "yes", "on"}


class Document:
    """The data of one YAML file, with the means to say where a fault in it stands."""

    def __init__(self, path: str, origin: Origin = "named") -> None:
        self.path = path
        self._lines: dict[KeyPath, int] = {(): 1}
        file = read_file(path, LARGEST, origin)
        self.sha256 = file.sha256
        self.data = self._load(file.text)

    def error(self, place: KeyPath, problem: str) -> ConfigurationError:
        """Return the error `FILE:LINE: KEY: problem`, for the value at `place` or the nearest one around it."""
        known = place
        while known not in self._lines:
            known = known[:-1]
        key = ".".join(str(part) for part in place if isinstance(part, str))
        return ConfigurationError(f"{self.path}:{self._lines[known]}: {key + ': ' if key else ''}{problem}")

    def line(self, place: KeyPath) -> int:
        return self._lines[place]

    def mapping(self, place: KeyPath) -> dict[str, Any]:
        """Return the mapping at `place`, which must be one."""
        value = self.data
        for part in place:
            value = value[part]
        if not isinstance(value, dict):
            raise self.error(place, "this must be a mapping (key: value)")
        return value

    def convert(self, value: object, place: KeyPath, kind: type[T]) -> T:
        """Convert `value`, which stands at `place`, to a `kind`; an error names its line and key."""
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            inner, problem = explain(error, kind)
            raise self.error(place + inner, problem) from None

    def _load(self, text: str) -> Any:
        try:
            self._check_shape(text)
            root = yaml.compose(text, Loader=_LOADER)
        except yaml.YAMLError as error:
            line = _line_of(error, text)
            what = getattr(error, "problem", None) or "it has a character that YAML does not allow"
            if getattr(error, "context", None) == "while scanning an alias":
                what = _NO_ALIAS
            raise ConfigurationError(f"{self.path}:{line}: this is not YAML: {what}") from None
        return None if root is None else self._value(root, ())

    def _check_shape(self, text: str) -> None:
        depth = 0
        if len(_DIRECTIVE.findall(text)) > MOST_DIRECTIVES:
            raise ConfigurationError(f"{self.path}: more than {MOST_DIRECTIVES} directives (lines that begin with %)")
        for number, event in enumerate(yaml.parse(text, Loader=_LOADER)):
            problem = "too much for one file: what it says takes too much memory" if number == MOST_EVENTS else ""
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                problem = f"nested deeper than {DEEPEST} levels" if depth > DEEPEST else problem
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            elif isinstance(event, yaml.AliasEvent):
                problem = _NO_ALIAS
            if getattr(event, "tag", None) is not None:
                problem = "tags are not supported"
            if problem:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise ConfigurationError(f"{self.path}:{line}: {problem}")

    def _value(self, node: yaml.Node, place: KeyPath) -> Any:
        self._lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return dict(self._members(node, place))
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*place, index)) for index, item in enumerate(node.value)]
        return self._scalar(node.tag, node.value, place)

    def _members(self, node: yaml.MappingNode, place: KeyPath) -> Iterator[tuple[str, Any]]:
        seen = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigurationError(f"{self.path}:{line}: a key must be text")
            if key.value in seen:
                raise ConfigurationError(f"{self.path}:{line}: {key.value}: this key stands twice")
            seen.add(key.value)
            self._lines[*place, key.value] = line
            yield key.value, self._value(value, (*place, key.value))

    def _scalar(self, tag: str, text: str, place: KeyPath) -> str | int | float | bool | None:
        match tag.removeprefix("tag:yaml.org,2002:"):
            case "null":
                return None
            case "bool":
                return text.lower() in _TRUE
            case "int" if _DECIMAL.fullmatch(text):
                return int(text)
            case "int":  # YAML 1.1 reads 010 as 8, 1:30 as 90 and 1_0 as 10
                raise self.error(
                    place, f"{_shortened(text)} can be read as more than one number: write it in plain digits"
                )
            case "float" if _FRACTION.fullmatch(text):
                return float(text)
            case _:
                return text


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _line_of(error: yaml.YAMLError, text: str) -> int:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return error.problem_mark.line + 1
    return text.count("\n", 0, getattr(error, "position", 0)) + 1
