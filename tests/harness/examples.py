"""The shipped example configurations of Prometheus and Alertmanager, with this machine's addresses."""

import pathlib
import re

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = REPOSITORY / "packaging" / "examples"


ALERTMANAGERS_DEFAULTS = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}


def quick_rules(directory):
    """The shipped rules, but what waits two minutes waits two seconds."""
    directory.mkdir(parents=True)
    for path in sorted((REPOSITORY / "alerts").glob("*.rules.yml")):
        (directory / path.name).write_text(re.sub(r"\bfor: 2m$", "for: 2s", path.read_text(), flags=re.M))
    return directory


def prometheus(targets, alertmanagers, rules, interval=None, replica="a"):
    """`targets` are nodes and their addresses. The nodes keep the names that the example gives them:
    only where they are reached is changed, after everything else was relabelled."""
    config = yaml.safe_load((EXAMPLES / "prometheus.yml").read_text())
    assert config["rule_files"] == ["/usr/share/upkeep/prometheus/*.rules.yml"]
    config["rule_files"] = [f"{rules}/*.rules.yml"]
    [alerting] = config["alerting"]["alertmanagers"]
    alerting["static_configs"] = [{"targets": alertmanagers}]
    [scrape] = config["scrape_configs"]
    [nodes] = scrape["static_configs"]
    assert {f"{node}:9893" for node in targets} <= set(nodes["targets"])
    nodes["targets"] = [f"{node}:9893" for node in targets]
    scrape["relabel_configs"] += [
        {"source_labels": ["__address__"], "regex": f"{node}:9893", "replacement": address,
         "target_label": "__address__"} for node, address in targets.items()]
    if interval:
        config["global"] = {"scrape_interval": interval, "evaluation_interval": interval}
        scrape["scrape_timeout"] = interval  # must not be the longer one
    config["global"]["external_labels"] = {"replica": replica}
    return yaml.safe_dump(config)


def alertmanager(webhooks, token_file, people, own_defaults=False):
    """`webhooks` are nodes and the addresses of their control ports; people and the dead man's switch
    are called at `people`, a URL. With `own_defaults` what upkeep is asked to mend waits as long as
    Alertmanager lets an alert wait that nobody has set anything for."""
    config = yaml.safe_load((EXAMPLES / "alertmanager.yml").read_text())
    receivers = {receiver["name"]: receiver for receiver in config["receivers"]}
    assert receivers.keys() == {"upkeep", "dead-mans-switch", "people"}
    calls = [call for call in receivers["upkeep"]["webhook_configs"] if "//node" in call["url"]]
    assert len(calls) >= len(webhooks)
    receivers["upkeep"]["webhook_configs"] = [
        adapted(call, address, token_file)
        for node, address in webhooks.items() for call in calls if f"//{node}:9894/" in call["url"]]
    [switch] = receivers["dead-mans-switch"]["webhook_configs"]
    switch["url"] = f"{people}/dead-mans-switch"
    del receivers["people"]["email_configs"]
    receivers["people"]["webhook_configs"] = [{"url": f"{people}/people"}]
    if own_defaults:
        # The route that they fall to says what the defaults are.
        assert ALERTMANAGERS_DEFAULTS.items() <= config["route"].items()
        [mended] = [route for route in config["route"]["routes"]
                    if route["matchers"] == ['remediation != ""']]
        for key in ("group_by", *ALERTMANAGERS_DEFAULTS):
            del mended[key]
    return yaml.safe_dump(config)


def adapted(call, address, token_file):
    authorization = {**call["http_config"]["authorization"], "credentials_file": str(token_file)}
    url = re.sub(r"//node\d+:9894/", f"//{address}/", call["url"])
    return {**call, "url": url, "http_config": {"authorization": authorization}}
