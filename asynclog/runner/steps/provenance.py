"""Who runs what, where and on which log, so that a report can stand alone."""

import os
import pwd

from asynclog.config.settings import Settings
from asynclog.escaping import escape_surrogates
from asynclog.policy.rules import Policy
from asynclog.records.kernel import choose_reader
from asynclog.report.provenance import Provenance, policy_source
from asynclog.version import VERSION


def provenance_of(settings: Settings, policy: Policy | None = None) -> Provenance:
    """Return the provenance of a report on the log of these settings; `policy` is None if none was read."""
    return Provenance(
        log=escape_surrogates(os.path.join(settings.folder, settings.base)) if settings.base else None,
        policy=policy_source(policy) if policy else None,
        host=escape_surrogates(os.uname().nodename),
        user=escape_surrogates(_user()),
        version=VERSION,
        reader=choose_reader(settings.reader, settings.fields),
    )


def _user() -> str:
    """Return the user whose rights the process has: a name, or the number if there is none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
