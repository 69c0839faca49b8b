"""The alert rules are valid, do what their promtool tests say, and those tests notice mistakes."""

import re

import pytest

RULES = "alerts/upkeep.rules.yml"
TESTS = "tests/alerts/upkeep_test.yml"

# Mistakes somebody could make in the rules; the promtool tests must notice each.
MISTAKES = [
    ("shut_off|crashed", "shut_off"),
    ("shut_off|crashed", "shut_off|crashed|paused"),
    ("shut_off|crashed", "shut_off|crashed|unknown"),
    ('last_over_time(upkeep_vm_wanted{job="upkeep"}[3m]) == 1',
     'last_over_time(upkeep_vm_wanted{job="upkeep"}[3m]) >= 0'),
    ('last_over_time(upkeep_vm_wanted{job="upkeep"}[3m])', 'upkeep_vm_wanted{job="upkeep"}'),
    ("and on (job, instance, vm)", "and on (vm)"),
    ("[3m]", "[30m]"),
    ("for: 1m", "for: 15s"),
    ("for: 1m", "for: 5m"),
    ("for: 2m", "for: 1m"),
    ("for: 2m", "for: 5m"),
    ('up{job="upkeep"} == 0', "up == 0"),
    ('last_over_time(upkeep_source_up{job="upkeep"}[3m]) == 0', 'upkeep_source_up{job="upkeep"} == 0'),
    ('last_over_time(upkeep_drbd_connected{job="upkeep"}[3m]) == 0',
     'upkeep_drbd_connected{job="upkeep"} == 0'),
    ("severity: warning", "severity: critical"),
    ("runbook_url: docs/alerts/UpkeepSourceDown.md", "runbook_url: docs/alerts/UpkeepVmDown.md"),
]


def test_rules_are_valid(promtool, repository):
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", repository / RULES)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_rules_fire_and_stay_silent_as_described(promtool, repository):
    tested = promtool("test", "rules", repository / TESTS)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("right, wrong", MISTAKES)
def test_a_mistake_in_the_rules_is_noticed(promtool, repository, tmp_path, right, wrong):
    rules = (repository / RULES).read_text()
    assert right in rules
    (tmp_path / "rules.yml").write_text(rules.replace(right, wrong))
    tests = (repository / TESTS).read_text()
    (tmp_path / "test.yml").write_text(
        re.sub(r"^rule_files:.*$", "rule_files: [rules.yml]", tests, flags=re.M))
    assert promtool("test", "rules", tmp_path / "test.yml").returncode != 0


def test_every_alert_has_a_runbook(repository):
    rules = (repository / RULES).read_text()
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert alerts
    for alert in alerts:
        assert f"runbook_url: docs/alerts/{alert}.md" in rules
        runbook = (repository / "docs" / "alerts" / f"{alert}.md").read_text()
        assert runbook.startswith(f"# {alert}\n")
        for heading in ("## What it means", "## What to do"):
            assert heading in runbook, f"{alert}.md: no '{heading}'"


def test_every_runbook_is_of_an_alert(repository):
    rules = (repository / RULES).read_text()
    for runbook in (repository / "docs" / "alerts").glob("*.md"):
        assert f"- alert: {runbook.stem}\n" in rules, runbook
