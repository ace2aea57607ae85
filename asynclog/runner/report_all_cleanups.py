"""Report on the cleanups of many logs, one in each folder."""

from collections.abc import Mapping

import msgspec

from asynclog.config.logs import Logs
from asynclog.config.policy_file import policy_of
from asynclog.escaping import escape_surrogates
from asynclog.formatting import pluralize
from asynclog.policy.rules import Policy
from asynclog.report.cleanup.combine import combined_logs
from asynclog.report.cleanup.result import Report
from asynclog.report.provenance import policy_source
from asynclog.runner.inspect_all import key_warnings
from asynclog.schemas import SchemaKey, schema_key


def shared_policy(logs: Logs) -> Policy | None:
    """Return the policy of all logs; None if each has a registry of its own. Raise ConfigurationError."""
    return policy_of(logs.settings) if logs.settings.shares_policy else None


def report_on_all(logs: Logs, policy: Policy | None, reports: Mapping[str, Report], *, dry_run: bool) -> Report:
    """Return the report on all logs, given those on each by its path, and the policy that they share, if any."""
    results = [report.result for report in reports.values()]
    is_known = all(each.status in {"success", "dry_run"} and not each.stopped for each in results)
    keys = {_key(name) for report in reports.values() for name in report.schemas}
    warnings = key_warnings(logs, policy, keys, complete=is_known) if policy else ()
    shown = {escape_surrogates(path): report for path, report in reports.items()}
    errors = list(map(escape_surrogates, logs.unlisted))
    left = len(logs.folders or ()) - len(reports)
    if left:
        errors.append(f"the job was stopped, and did not begin {pluralize(left, 'other log')}")
    report = combined_logs(shown, errors, warnings, dry_run=dry_run)
    result = msgspec.structs.replace(
        report.result,
        profile=logs.settings.profile,
        log=escape_surrogates(logs.path),
        policy=policy_source(policy) if policy else None,
    )
    return msgspec.structs.replace(report, result=result)


def _key(name: str) -> SchemaKey:
    schema, _, version = name.rpartition(":")
    return schema_key(schema, int(version))
