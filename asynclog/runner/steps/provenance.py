"""Who runs what, where and on which log, so that a report or a plan can stand alone."""

import os
import pwd

from asynclog.config.settings import Settings
from asynclog.escaping import escape_surrogates
from asynclog.plan.approval import digest, digest_of_conditions
from asynclog.policy.rules import Policy
from asynclog.records.kernel import choose_reader
from asynclog.report.plan_origin import PlannedConfiguration, PlanOrigin
from asynclog.report.provenance import Provenance, policy_source
from asynclog.runner.steps.begin_cleanup import Run
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


def origin_of(run: Run, policy: Policy) -> PlanOrigin:
    """Return the origin of the plan that this run makes: with it, `apply` needs nothing else."""
    settings = run.settings
    is_configured = settings.profile is not None
    configuration = PlannedConfiguration(
        path=settings.source if is_configured else None,
        profile=settings.profile,
        log=os.path.join(settings.folder, settings.base) if settings.explicit_path else None,
        schemas=settings.schemas if settings.explicit_schemas else None,
        digest=digest_of_conditions(settings.conditions),
    )
    identity = digest(policy, settings.fields, settings.budget)
    return PlanOrigin(run.path, identity, run.started, provenance_of(settings, policy), configuration)


def _user() -> str:
    """Return the user whose rights the process has: a name, or the number if there is none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
