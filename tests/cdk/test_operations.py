"""Who is woken by an alarm finds a chapter for it, and every chapter has an alarm; each metric has its graph."""

import json
import re

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
