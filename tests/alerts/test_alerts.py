"""The alert rules are valid, do what their promtool tests say, and those tests notice mistakes."""

import re
import time

import pytest
import yaml

from alerts import mutate

TESTS = sorted(mutate.REPOSITORY.glob("tests/alerts/*_test.yml"))
ALERTS = [rule for _, rule in mutate.rules() if "alert" in rule]
NAMES = [rule["alert"] for rule in ALERTS]


def test_rules_are_valid(promtool, repository):
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal",
                       *sorted((repository / "alerts").glob("*.rules.yml")))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_rules_fire_and_stay_silent_as_described(promtool, path):
    tested = promtool("test", "rules", path)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_a_mistake_in_the_rules_is_noticed(promtool, record_property):
    assert promtool("--version").returncode == 0  # there is one
    begun = time.monotonic()
    total, survived, obsolete = mutate.run(mutate.find_promtool())
    record_property("mutants", total)
    record_property("seconds", round(time.monotonic() - begun, 1))
    print(f"{total} mutants in {time.monotonic() - begun:.0f} s")
    assert total > 15 * len(ALERTS)
    assert not survived
    assert not obsolete


def test_every_alert_has_a_runbook(repository):
    for rule in ALERTS:
        alert = rule["alert"]
        assert rule["annotations"]["runbook_url"] == f"docs/alerts/{alert}.md"
        runbook = (repository / "docs" / "alerts" / f"{alert}.md").read_text()
        assert runbook.startswith(f"# {alert}\n\nSeverity: {rule['labels']['severity']}.")
        for heading in ("## What it means", "## What upkeep did", "## What to do"):
            assert heading in runbook, f"{alert}.md: no '{heading}'"


def test_every_runbook_is_of_an_alert(repository):
    found = {path.stem for path in (repository / "docs" / "alerts").glob("*.md")}
    assert found == set(NAMES)


def test_commands_of_runbooks_are_code_blocks(repository):
    """Markdown takes an indented line for code only after an empty or another indented one. A command
    that lacks its indent is prose that ends like none."""
    for runbook in (repository / "docs" / "alerts").glob("*.md"):
        lines = runbook.read_text().splitlines()
        for above, line, below in zip([""] + lines, lines, lines[1:] + [""]):
            where = f"{runbook.name}: {line}"
            if line.startswith("    "):
                assert above == "" or above.startswith("    "), where
            elif line and below == "" and not re.match(r" *[#|]", line):
                assert line.endswith((".", ":", ";", "?")), where


def test_links_of_runbooks_lead_somewhere(repository):
    for runbook in (repository / "docs" / "alerts").glob("*.md"):
        for link in re.findall(r"\]\(([^)]+)\)", runbook.read_text()):
            assert (runbook.parent / link).exists(), (runbook.name, link)


def test_an_alert_has_one_name_and_a_known_severity():
    assert len(NAMES) == len(set(NAMES))
    assert all(re.fullmatch(r"Upkeep[A-Z]\w+", name) for name in NAMES)
    assert {rule["labels"]["severity"] for rule in ALERTS} == {"critical", "warning", "info", "none"}


def test_summaries_are_sentences_that_can_be_grouped():
    for rule in ALERTS:
        assert "{{" not in rule["annotations"]["summary"], rule["alert"]
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]


def test_example_of_prometheus_is_valid(promtool, repository, tmp_path):
    text = (repository / "packaging/examples/prometheus.yml").read_text()
    installed = "/usr/share/upkeep/prometheus"
    assert installed in text
    (tmp_path / "prometheus.yml").write_text(text.replace(installed, str(repository / "alerts")))
    checked = promtool("check", "config", tmp_path / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(list((repository / 'alerts').glob('*.rules.yml')))} rule files found" in checked.stdout
    jobs = [scrape["job_name"] for scrape in yaml.safe_load(text)["scrape_configs"]]
    assert jobs == ["upkeep"]


def test_example_makes_one_alert_of_what_replicas_tell(repository):
    config = yaml.safe_load((repository / "packaging/examples/prometheus.yml").read_text())
    assert config["alerting"]["alert_relabel_configs"] == [{"regex": "replica", "action": "labeldrop"}]


def receivers(amtool, repository, alertname, **labels):
    """Where the example configuration sends an alert."""
    labels = [f"{name}={value}" for name, value in {"alertname": alertname, **labels}.items()]
    routed = amtool("config", "routes", "test", "--config.file",
                    repository / "packaging/examples/alertmanager.yml", *labels)
    assert routed.returncode == 0, routed.stderr
    return routed.stdout.strip().split(",")


def test_example_of_alertmanager_is_valid(amtool, repository):
    checked = amtool("check-config", repository / "packaging/examples/alertmanager.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_example_routes_each_alert_to_whom_it_concerns(amtool, repository):
    for rule in ALERTS:
        expected = ["people"]
        if rule["alert"] == "UpkeepWatchdog":
            expected = ["upkeep", "dead-mans-switch"]
        elif "remediation" in rule["labels"]:
            expected = ["upkeep"] if rule["labels"]["severity"] == "none" else ["upkeep", "people"]
        assert receivers(amtool, repository, rule["alert"], **rule["labels"]) == expected, rule["alert"]


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_example_tells_people_also_of_what_upkeep_is_asked_to_mend(amtool, repository, severity):
    told = receivers(amtool, repository, "MineOwn", severity=severity, remediation="resume_vm")
    assert told == ["upkeep", "people"]


def test_what_makes_upkeep_act_is_not_held_up():
    asking = [rule for rule in ALERTS if "remediation" in rule["labels"]]
    assert [rule["alert"] for rule in asking] == ["UpkeepVmOff"]
    assert not any("for" in rule for rule in asking)


def test_example_does_not_make_remediation_wait(repository):
    config = yaml.safe_load((repository / "packaging/examples/alertmanager.yml").read_text())
    route = next(route for route in config["route"]["routes"]
                 if route["matchers"] == ['remediation != ""'])
    assert route["group_by"] == ["..."]
    assert route["group_wait"] == "0s"
    assert mutate.seconds(route["group_interval"]) <= 5


def test_example_inhibits_by_alerts_that_exist(repository):
    config = yaml.safe_load((repository / "packaging/examples/alertmanager.yml").read_text())
    for inhibition in config["inhibit_rules"]:
        for matcher in inhibition["source_matchers"] + inhibition["target_matchers"]:
            assert set(re.findall(r"Upkeep\w+", matcher)) <= set(NAMES)
