"""`asynclog init`: a log -> a first configuration and policy, in the working folder, that delete nothing new."""

import argparse
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from asynclog.cli import options as groups
from asynclog.cli.command import Call, Command, log_level
from asynclog.cli.init.begin_init import begin
from asynclog.cli.init.first_files import POLICY, write
from asynclog.cli.parser import ALWAYS, Help
from asynclog.config.configuration_file import MXCPS, OURS, nearest
from asynclog.config.mxcp.init_values import Takeover
from asynclog.config.paths.usable_paths import working_folder
from asynclog.config.presets import load_presets
from asynclog.config.settings import Settings
from asynclog.config.values.mapped_fields import mapped_fields
from asynclog.escaping import escape_surrogates
from asynclog.formatting import pluralize
from asynclog.report.envelope import CommandResult
from asynclog.report.holdings import Holding, Holdings, sum_holdings
from asynclog.report.init.result import InitResult
from asynclog.report.init.templates import Starter, can_be_named, starter_configuration, starter_policy
from asynclog.report.init.text import as_text
from asynclog.report.provenance import who
from asynclog.report.warnings.configuration_warnings import shadowed, taken_over, untrusted
from asynclog.report.warnings.notices import Notices
from asynclog.schemas import SchemaKey
from asynclog.storage.local.access.trusted_open import StrangerError, open_file

if TYPE_CHECKING:
    from asynclog.recognition.recognise import Recognition

HELP = Help(
    description="Inspect a log, and write asynclog.yaml and audit-schemas.yaml into the working folder, with the "
    "preset or the fields that its lines fit, and every audit schema that was found. They delete nothing until you say "
    "how many days to keep each. Beside an mxcp-site.yml they take over its profiles and the rules of MXCP's registry. "
    "If asynclog.yaml is there and audit-schemas.yaml is not, init writes the latter for the log that the former has.",
    example="asynclog init --path audit/logs.jsonl",
    exits={
        **ALWAYS,
        0: "done",
        3: "done, but some segments could not be read: schemas may be missing",
    },
)


class InitOptions(groups.PathOptions, frozen=True, kw_only=True):
    """The options of `asynclog init`."""

    preset: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    groups.bare_log(parser)
    groups.which_path(parser)
    parser.add_argument(
        "--preset", metavar="NAME", help="whose log it is: see asynclog presets (default: the one recognised)"
    )
    groups.output(parser, debug=groups.DEBUG)
    groups.jobs(parser)


def run(options: InitOptions, call: Call) -> CommandResult[InitResult]:
    """Write both files for the log that was named, or is MXCP's, and return the result."""
    from asynclog.report.init.preset_or_fields import preset_or_fields
    from asynclog.runner.inspect import inspect
    from asynclog.runner.recognise import recognise_log

    start = begin(options)
    takeover, is_known = start.takeover, start.is_there or start.takeover or options.preset
    with call.signals.deferred("while the log was read"):
        found = None if is_known else recognise_log(start.settings, call.wiring)
        settings = _reading_as(start.settings, options.preset, found)
        seen = inspect(settings, None, call.signals, call.wiring)
        holdings = sum_holdings(seen.states or [])
        may_be_another = found is None and not takeover and not holdings.by_schema
        doubts = _doubts(start.settings, call, may_be_another=may_be_another)
    rules = takeover.policy.exact if takeover else {}
    holdings = _with_all(rules, holdings)
    registry = escape_surrogates(settings.schemas) if takeover else None
    texts = {POLICY: starter_policy(holdings.by_schema, rules, registry)}
    if not start.is_there:
        starters = _starters(takeover) if takeover else [Starter("default", options.path or "", POLICY)]
        texts[OURS] = starter_configuration(starters, preset_or_fields(options.preset, found))
    write(texts)
    warnings = [*_shadowed(settings, takeover), *_untrusted(start.files), *seen.notices.warnings, *doubts]
    notices = msgspec.structs.replace(seen.notices, warnings=warnings)
    result = _result(settings, start.files, holdings, notices, registry)
    return holdings.command_result(_with_preset_or_fields(result, options.preset, found))


COMMAND = Command(HELP, InitOptions, add_arguments, run, as_text, log_level, as_text)


def _reading_as(settings: Settings, name: str | None, found: "Recognition | None") -> Settings:
    """Return the settings for a log of this product, else of the one that was found, else with proposed fields."""
    name = name or (found.preset if found else "")
    if name:
        preset = load_presets()[name]
        return msgspec.structs.replace(settings, fields=preset.fields(), more_names=preset.segments)
    proposal = found.proposal if found else None
    if proposal is None or proposal.fields is None or proposal.time is None:
        return settings
    return msgspec.structs.replace(settings, fields=mapped_fields(proposal.fields, proposal.time))


def _doubts(settings: Settings, call: Call, *, may_be_another: bool) -> list[str]:
    """Return warnings about a log that may be a segment, and whose lines may be another product's."""
    from asynclog.report.init.doubts import another_preset, segment_of
    from asynclog.runner.recognise import log_of_segment, recognise_log

    fits = recognise_log(settings, call.wiring).preset if may_be_another else ""
    said = [*segment_of(settings.base, log_of_segment(settings, call.wiring)), *another_preset(fits)]
    return list(map(escape_surrogates, said))


def _with_preset_or_fields(result: InitResult, preset: str | None, found: "Recognition | None") -> InitResult:
    """Add what the configuration says of the lines, and why."""
    from asynclog.recognition.recognise import MXCP
    from asynclog.report.recognised import recognised, written_fields

    fields, time = written_fields(found.proposal if found else None)
    certain = found.preset if found and found.preset != MXCP else ""
    return msgspec.structs.replace(
        result,
        preset=preset or certain or None,
        fields=fields,
        time=time,
        recognised=list(map(escape_surrogates, recognised(found) if found else ())),
    )


def _with_all(schemas: Iterable[SchemaKey], holdings: Holdings) -> Holdings:
    """Add those of these schemas that the log has no record of."""
    found, nothing = holdings.by_schema, Holding(0, 0, None, None)
    by_schema = {key: found.get(key, nothing) for key in sorted({*found, *schemas})}
    return msgspec.structs.replace(holdings, by_schema=by_schema)


def _starters(takeover: Takeover) -> list[Starter]:
    """Return the profiles of an `mxcp-site.yml`, the chosen one first: it alone has the policy that is written."""
    chosen = takeover.settings.profile
    beside = os.path.join(os.path.dirname(takeover.site), "")
    return [
        Starter(each.profile, each.log.removeprefix(beside), POLICY if each.profile == chosen else "", each.enabled)
        for each in sorted(takeover.logs, key=lambda claim: claim.profile != chosen)
    ]


def _shadowed(settings: Settings, takeover: Takeover | None) -> list[str]:
    """Return warnings about configurations found from here, or between here and the log: the new one comes first."""
    here = working_folder()
    found = [nearest(OURS, os.path.dirname(here)), nearest(MXCPS, here)]
    of_the_log = nearest(MXCPS, os.path.realpath(settings.folder))
    if of_the_log and of_the_log.startswith(os.path.join(here, "")):
        found.append(of_the_log)
    site = takeover.site if takeover else None
    return [
        taken_over(path, settings.schemas) if path == site else shadowed(path)
        for path in dict.fromkeys(found)
        if path and path != os.path.join(here, OURS)
    ]


def _untrusted(written: Iterable[str]) -> Iterator[str]:
    """Yield a warning if the next command would refuse what was written, because of where it lies."""
    try:
        for path in written:
            os.close(open_file(path))
    except StrangerError as error:
        yield untrusted(path, str(error.strerror))


def _result(
    settings: Settings, files: list[str], holdings: Holdings, notices: Notices, registry: str | None
) -> InitResult:
    from asynclog.runner.steps.provenance import provenance_of

    named = {str(key): holding for key, holding in holdings.by_schema.items() if can_be_named(key)}
    kept = "with the rules of MXCP's registry" if registry else "all kept for ever so far"
    return InitResult(
        status="partial" if holdings.failures else "success",
        message=f"Wrote {' and '.join(map(os.path.basename, files))}: {pluralize(len(named), 'schema')}, {kept}",
        log=escape_surrogates(os.path.join(settings.folder, settings.base)),
        **who(provenance_of(settings)),
        files=list(map(escape_surrogates, files)),
        registry=registry,
        preset=None,
        fields=None,
        time=None,
        recognised=[],
        schemas=named,
        left_out=[str(key) for key in holdings.by_schema if not can_be_named(key)],
        segments=holdings.segments,
        unread=holdings.unread,
        warnings=notices.warnings,
        neighbours=notices.neighbours,
        unjudged=notices.unjudged,
        errors=holdings.failures,
    )
