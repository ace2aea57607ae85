"""The alerts and the dashboard that are shipped: they are about metrics that a run really writes, and they fire."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from audit_log import record, write_log, write_policy
from command import NOW, promtool, run
from prometheus_client.parser import text_string_to_metric_families

EXAMPLES = Path(__file__).parents[2] / "examples"
ALERTS = EXAMPLES / "prometheus/alerts.yml"
DASHBOARD = json.loads((EXAMPLES / "grafana/asynclog.json").read_text())
DAYS = 86_400


def rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    found = group["rules"]
    assert isinstance(found, list)
    return found


def panels() -> list[dict[str, Any]]:
    """Return the dashboard's panels."""
    found = DASHBOARD["panels"]
    assert isinstance(found, list)
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return the metrics that a real run writes, each with its labels; here of one that had to leave something."""
    folder = tmp_path_factory.mktemp("monitored")
    write_policy(folder)
    write_log(folder / "audit", {"logs.jsonl": record(days=400), "logs.jsonl.1.gz": b"packed"})
    audit = "{path: audit/logs.jsonl, schemas: schemas.yaml}"
    (folder / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles: {{default: {{audit: {audit}, max_bytes: 1B}}}}\n")
    with (folder / "audit/logs.jsonl").open("ab"):
        assert run("cleanup", "--now", NOW, "--metrics-file", "m.prom", cwd=folder).code == 0
    families = text_string_to_metric_families((folder / "m.prom").read_text())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def named(expression: str) -> set[str]:
    """Return the metrics in an expression, or in a query for label values."""
    return set(re.findall(r"asynclog_\w+", expression))


def test_the_alerts_are_about_metrics_that_there_are(written: dict[str, set[str]]) -> None:
    """And their sentences about labels that these have."""
    for rule in rules():
        metrics = named(rule["expr"])
        assert metrics
        assert metrics <= set(written), rule["alert"]
        labels = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert all(labels <= written[metric] for metric in metrics), rule["alert"]


def test_the_dashboard_is_about_metrics_that_there_are(written: dict[str, set[str]]) -> None:
    """Its variables and legends about their labels; each panel has a query and a place of its own."""
    for variable in DASHBOARD["templating"]["list"][1:]:
        assert named(variable["query"]["query"]) <= set(written)
    for panel in panels():
        assert panel["targets"]
        for target in panel["targets"]:
            metrics = named(target["expr"])
            assert metrics
            assert metrics <= set(written), panel["title"]
            labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert any(labels <= written[metric] for metric in metrics), panel["title"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()]
    assert len({*places}) == len({panel["id"] for panel in panels()}) == len(panels())


def test_everything_that_is_asked_for_can_be_seen(written: dict[str, set[str]]) -> None:
    """Every metric is in an alert or on the dashboard, but for two that say the same as a panel in another way."""
    expressions = [rule["expr"] for rule in rules()]
    expressions += [target["expr"] for panel in panels() for target in panel["targets"]]
    left = set(written) - named(" ".join(expressions))
    assert left == {"asynclog_overdue_bytes", "asynclog_overdue_oldest_timestamp_seconds"}


def test_promtool_takes_the_rules() -> None:
    """All of them."""
    assert f"{len(rules())} rules found" in promtool("check", "rules", str(ALERTS)).out


def test_promtool_takes_the_dashboards_queries(tmp_path: Path) -> None:
    """Each as the expression of a rule, with a value for each variable."""
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    recorded = [{"record": f"r{n}", "expr": re.sub(r"\$\w+", ".*", query)} for n, query in enumerate(queries)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": recorded}]}))
    promtool("check", "rules", str(tmp_path / "rules.yml"))


# By the alert: the metrics with their values at every minute, and whether it then fires after ten days.
SITUATIONS: dict[str, tuple[dict[str, float], bool]] = {
    "AsynclogDiskSpace, little": ({"filesystem_free_bytes": 9, "filesystem_size_bytes": 100}, True),
    "AsynclogDiskSpace, enough": ({"filesystem_free_bytes": 11, "filesystem_size_bytes": 100}, False),
    "AsynclogOverdue, long": ({"overdue_since_timestamp_seconds": 2 * DAYS}, True),
    "AsynclogOverdue, not yet": ({"overdue_since_timestamp_seconds": 4 * DAYS}, False),
    "AsynclogUnjudged, old": ({"unjudged_oldest_seconds": 8 * DAYS}, True),
    "AsynclogUnjudged, new": ({"unjudged_oldest_seconds": 6 * DAYS}, False),
    "AsynclogNotRun, for two days": ({"last_run_timestamp_seconds": 8 * DAYS}, True),
    "AsynclogNotRun, for a day": ({"last_run_timestamp_seconds": 9 * DAYS}, False),
    "AsynclogMissing, nothing": ({"dry_run": 0}, True),
    "AsynclogMissing, something": ({"last_run_timestamp_seconds": 0}, False),
    "AsynclogFailed, with 3": ({"last_run_exit_code": 3}, True),
    "AsynclogFailed, all well": ({"last_run_exit_code": 0}, False),
    "AsynclogFailed, stopped": ({"last_run_exit_code": 143}, False),
    "AsynclogNoSuccess, never": ({"last_success_timestamp_seconds": 0}, True),
    "AsynclogNoSuccess, lately": ({"last_success_timestamp_seconds": 8 * DAYS}, False),
    "AsynclogHeldBack, something": ({"recovery_pending_bytes": 1}, True),
    "AsynclogHeldBack, nothing": ({"recovery_pending_bytes": 0}, False),
    "AsynclogOverBudget, over it": ({"over_budget_bytes": 1}, True),
    "AsynclogOverBudget, within it": ({"over_budget_bytes": 0}, False),
}


def test_each_alert_has_its_situations() -> None:
    """One in which it fires and one in which it does not."""
    cases = {(situation.split(",")[0], fires) for situation, (_, fires) in SITUATIONS.items()}
    assert cases == {(rule["alert"], fires) for rule in rules() for fires in (True, False)}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_an_alert_fires_when_it_should(tmp_path: Path, written: dict[str, set[str]], situation: str) -> None:
    """By promtool's own judgement, at the end of ten days."""
    alert = situation.split(",", maxsplit=1)[0]
    values, fires = SITUATIONS[situation]
    assert {f"asynclog_{name}" for name in values} <= set(written)
    series = [
        {"series": f'asynclog_{name}{{log="/l", profile="p"}}', "values": f"{value:g}+0x{10 * 24 * 60}"}
        for name, value in values.items()
    ]

    query = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) or vector(0)'
    expected = [{"eval_time": "10d", "expr": query, "exp_samples": [{"labels": "{}", "value": int(fires)}]}]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": expected}
    shutil.copy(ALERTS, tmp_path)
    document = {"rule_files": [ALERTS.name], "evaluation_interval": "12h", "tests": [test]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(document))
    assert "SUCCESS" in promtool("test", "rules", "test.yml", cwd=tmp_path).out
