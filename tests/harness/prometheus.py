"""A real Prometheus with a directory of its own."""

import contextlib
import json
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from harness.waiting import wait_until

# As the example configuration does: an instance is the node's name without its port.
NODES = """\
global: {{scrape_interval: {interval}, evaluation_interval: 1s}}
rule_files: ["{rules}/*.rules.yml"]
scrape_configs:
  - job_name: upkeep
    static_configs: {nodes}
"""


def free_port(host="127.0.0.1"):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class ConfiguredPrometheus:
    """Started by `with`; ends with it. `options` are more of the command line."""

    def __init__(self, program, directory, config, *options):
        self.program = program
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.begun = time.time()
        (self.directory / "prometheus.yml").write_text(config)
        self.options = options
        self.process = None
        self.port = None
        self.url = None

    def __enter__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with (self.directory / "prometheus.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, f"--config.file={self.directory}/prometheus.yml",
                 f"--storage.tsdb.path={self.directory}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn", *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until("Prometheus to be ready", self._is_ready)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    @contextlib.contextmanager
    def frozen(self):
        """While it lasts this one looks at nothing, answers nothing and tells nobody."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError((self.directory / "prometheus.log").read_text())
        with urllib.request.urlopen(self.url + "/-/ready", timeout=5) as page:
            return page.status == 200

    def get(self, path, **arguments):
        """The data of an answer; raises with Prometheus's own words when it refuses."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as page:
                return json.load(page)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(f"{arguments}: {error.read().decode()}") from None

    def label_values(self, label, selector):
        return self.get(f"label/{label}/values", **{"match[]": selector})

    def query(self, expr):
        """The series of an instant query; a scalar counts as one without labels."""
        data = self.get("query", query=expr)
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        return data["result"]

    def firing(self, alertname, **labels):
        """The labels of each alert of that name, with these labels, that fires."""
        return [alert["labels"] for alert in self.get("alerts")["alerts"]
                if alert["state"] == "firing"
                and {"alertname": alertname, **labels}.items() <= alert["labels"].items()]

    def query_range(self, expr, step=0.5, since=None):
        return self.get("query_range", query=expr, start=since or self.begun, end=time.time(),
                        step=step)["result"]


class Prometheus(ConfiguredPrometheus):
    """One that scrapes some nodes' upkeeps, {node: address}, four times a second unless told."""

    def __init__(self, program, directory, nodes, rules, interval="250ms", **labels):
        super().__init__(program, directory, NODES.format(rules=rules, interval=interval, nodes=json.dumps(
            [{"targets": [address], "labels": {"instance": node, **labels}}
             for node, address in nodes.items()])))
