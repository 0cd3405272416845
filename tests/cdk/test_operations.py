"""Who is woken by an alarm finds a chapter for it, and every chapter has an alarm; each metric has its graph."""

import json
import re
import subprocess
import sys
from typing import Any

from synths import ROOT, Synth

from vaultstream import metrics


def test_every_alarm_has_its_chapter_and_every_chapter_an_alarm(synth: Synth) -> None:
    told = [each["AlarmDescription"] for _, each in synth.all("AWS::CloudWatch::Alarm")]
    assert len(told) > 20
    named = {re.search(r"docs/operations\.md#([a-z-]+)$", text)[1] for text in told}
    assert named == set(re.findall(r"^### ([a-z-]+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE))


def test_every_alarm_reaches_the_operators_and_ends_in_the_one_light(synth: Synth) -> None:
    alarms = dict(synth.all("AWS::CloudWatch::Alarm"))
    for name, each in alarms.items():
        assert len(each["AlarmActions"]) == len(each["OKActions"]) == 1, name
    rule = json.dumps(synth.one("AWS::CloudWatch::CompositeAlarm")["AlarmRule"])
    assert all(name.partition("/")[2] in rule for name in alarms)


def test_every_metric_of_the_contract_is_on_the_dashboard(synth: Synth) -> None:
    board = json.dumps(synth.one("AWS::CloudWatch::Dashboard")["DashboardBody"])
    assert [each.full_name for each in metrics.METRICS if each.full_name not in board] == []


ASKED = r'SELECT (MAX|SUM|COUNT)\((\w+)\) FROM "([^"]+)"(?: WHERE (.+))?'
FUNCTIONS = {metrics.Kind.GAUGE: "MAX", metrics.Kind.COUNTER: "SUM", metrics.Kind.HISTOGRAM: "COUNT"}


def test_alarms_on_the_vaults_own_metrics_ask_for_what_the_contract_has(synth: Synth) -> None:
    known = {each.full_name: each for each in metrics.METRICS}
    asked = [each["Metrics"] for _, each in synth.all("AWS::CloudWatch::Alarm") if "Metrics" in each]
    assert len(asked) > 7
    for (query,) in asked:
        function, name, namespace, where = re.fullmatch(ASKED, query["Expression"]).groups()
        assert (query["Period"], query.get("ReturnData", True)) == (60, True)
        assert namespace == collecting(synth)["exporters"]["awsemf"]["namespace"]
        assert function == FUNCTIONS[known[name].kind], name
        for condition in where.split(" AND ") if where else ():
            label, value = re.fullmatch(r"(\w+) = '(\w+)'", condition).groups()
            assert value in known[name].labels[label], name


def test_what_a_person_must_know_of_has_an_alarm(synth: Synth) -> None:
    asked = json.dumps([each.get("Metrics") for _, each in synth.all("AWS::CloudWatch::Alarm")])
    for metric in (
        metrics.OUTBOX_OLDEST_SECONDS,
        metrics.CHECKPOINT_FAILURES,
        metrics.AUDIT_MISPLACED_ROWS,
        metrics.WORK_OVERDUE_SECONDS,
        metrics.CACHE_BREAKER_STATE,
        metrics.SCAN_VERDICTS,
        metrics.SCRUBBED,
        metrics.WORKER_SECONDS,
        metrics.LOG_LINES,
    ):
        assert metric.full_name in asked


def test_a_sweeper_that_fails_each_minute_rings(synth: Synth) -> None:
    """It runs once a minute: more failures than that there cannot be."""
    dimension = [{"Name": "FunctionName", "Value": f"vaultstream-{synth.environment}-sweep"}]
    alarm = synth.one("AWS::CloudWatch::Alarm", MetricName="Errors", Dimensions=dimension)
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def collecting(synth: Synth) -> Any:
    """The collector's configuration."""
    found = [
        variable["Value"]
        for _, task in synth.all("AWS::ECS::TaskDefinition")
        for variable in task["ContainerDefinitions"][0].get("Environment", [])
        if variable["Name"] == "AOT_CONFIG_CONTENT"
    ]
    (text,) = found
    return json.loads(text)


def test_counts_reach_cloudwatch_as_what_came_since_the_last_time(synth: Synth) -> None:
    """CloudWatch adds up; processes tell what they counted since they began, to the one collector that can tell."""
    told = collecting(synth)
    for pipeline in told["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= told[kind].keys()
    assert told["service"]["pipelines"]["metrics"]["processors"][0] == "cumulativetodelta"
    service = synth.one("AWS::ECS::Service", ServiceName="collector")
    assert service["DesiredCount"] == service["DeploymentConfiguration"]["MaximumPercent"] / 100 == 1
    assert service["DeploymentConfiguration"]["MinimumHealthyPercent"] == 0
    groups = [each.get("LogGroupName") for _, each in synth.all("AWS::Logs::LogGroup")]
    assert told["exporters"]["awsemf"]["log_group_name"] in groups


def test_no_graph_asks_for_a_percentile_of_what_has_none(synth: Synth) -> None:
    """Of a histogram CloudWatch is told count and sum."""
    board = json.dumps(synth.one("AWS::CloudWatch::Dashboard")["DashboardBody"])
    statistics = dict(re.findall(r"MetricName=[^A-Za-z]+(\w+)[^,]+, '(\w+)'", board))
    assert statistics.keys() == {each.full_name for each in metrics.METRICS}
    assert {statistics[each.full_name] for each in metrics.METRICS if each.bounds} == {"Average"}


def test_what_a_month_costs_is_what_the_program_prints() -> None:
    command = [sys.executable, "-m", "benchmarks.monthly"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
    assert printed in (ROOT / "docs" / "operations.md").read_text()
