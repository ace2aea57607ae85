"""Warnings about the files of a configuration: sentences that say what to do. Pure."""

from collections.abc import Iterator

from asynclog.escaping import escape_surrogates
from asynclog.report.warnings.warning_facts import Facts
from asynclog.storage.profile_claims import in_words


def shadowed(path: str) -> str:
    """Return the warning that a configuration is not found any more because a new one comes first."""
    return escape_surrogates(
        f"{path} is shadowed: wherever the asynclog.yaml that was just written is found, it comes first, and the logs "
        f"of {path} are not cleaned up; --config {path} still selects it, or remove the wrong one of the two"
    )


def taken_over(site: str, registry: str) -> str:
    """Return the warning that a new asynclog.yaml is read instead of the `mxcp-site.yml` beside it."""
    return escape_surrogates(
        f"from now on asynclog reads the asynclog.yaml that was just written in place of {site} and {registry}, and "
        "ASYNCLOG_PROFILE in place of MXCP_PROFILE: what changes there later has to be changed here, too. Nothing "
        "changes for MXCP; to go back, remove asynclog.yaml"
    )


def untrusted(path: str, why: str) -> str:
    """Return the warning that a configuration that was just written will be refused where it is found."""
    return escape_surrogates(
        f"{path}: {why}, so no command will read it unless it is named: move it, and the policy, into a folder that "
        f"nobody else may write to, take that right away, or use --config {path} each time"
    )


def configuration_warnings(facts: Facts) -> Iterator[str]:
    """Yield warnings about files that two profiles claim, and about retention keys that are not read."""
    for contest in facts.contests:
        yield in_words(contest)
    for key in facts.ignored_keys:
        yield (
            f"{key}: this key is not read, and keeps or deletes nothing: the days are in the audit schemas "
            f"({facts.schemas}), limits in an asynclog.yaml"
        )
