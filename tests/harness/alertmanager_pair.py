"""Two real Alertmanagers that gossip, as everybody has them, and somebody whom they tell."""

import http.server
import json
import pathlib
import subprocess
import threading
import urllib.parse
import urllib.request

from harness.prometheus import free_port
from harness.waiting import wait_until


# Debian's Alertmanager looks for its templates here and nowhere else.
TEMPLATES = pathlib.Path("/usr/share/prometheus/alertmanager")


def command(program):
    """How to run it: one that was only unpacked finds its /usr/share where its own would be."""
    if TEMPLATES.exists():
        return [program]
    share = pathlib.Path(program).resolve().parent.parent / "share"
    assert (share / TEMPLATES.relative_to("/usr/share")).exists(), f"no templates in {share}"
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /usr/share && exec "$@"', share, program]


class Alertmanager:
    """One of the pair. `peer_timeout` is how long the second one leaves it to the first to deliver."""

    def __init__(self, program, directory, config, gossip, other, peer_timeout):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        (self.directory / "alertmanager.yml").write_text(config)
        self.address = f"127.0.0.1:{free_port()}"
        with (self.directory / "alertmanager.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command(program), f"--config.file={self.directory}/alertmanager.yml",
                 f"--storage.path={self.directory}/data", f"--web.listen-address={self.address}",
                 f"--cluster.listen-address={gossip}", f"--cluster.advertise-address={gossip}",
                 f"--cluster.peer={other}", f"--cluster.peer-timeout={peer_timeout}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=10) as page:
            return page.read().decode()

    def is_settled(self):
        """It has met the other one, and delivers."""
        if self.process.poll() is not None:
            raise RuntimeError((self.directory / "alertmanager.log").read_text())
        cluster = json.loads(self.get("/api/v2/status"))["cluster"]
        return cluster["status"] == "ready" and len(cluster["peers"]) == 2

    def alerts(self, alertname):
        """The labels of the alerts of that name that fire."""
        return [alert["labels"] for alert in json.loads(self.get(f"/api/v2/alerts?filter=alertname={alertname}"))]

    def told_by(self, **labels):
        """Of each alert with these labels the port of the Prometheus that told of it last."""
        alerts = json.loads(self.get("/api/v2/alerts"))
        return [urllib.parse.urlsplit(alert["generatorURL"]).port for alert in alerts
                if labels.items() <= alert["labels"].items()]

    def kill(self):
        self.process.kill()
        self.process.wait()


class AlertmanagerPair:
    """Started by `with`; ends with it."""

    def __init__(self, program, directory, config, peer_timeout):
        self._make = lambda name, gossip, other: Alertmanager(
            program, pathlib.Path(directory) / name, config, gossip, other, peer_timeout)
        self.both = []

    def __enter__(self):
        # Each knows the other: whichever comes up second finds the first.
        one, other = (f"127.0.0.1:{free_port()}" for _ in range(2))
        try:
            self.both.append(self._make("first", one, other))
            self.both.append(self._make("second", other, one))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for one in self.both:
            one.kill()

    def wait_settled(self):
        """Takes some seconds: each wants to see three times in a row that nobody comes or goes."""
        for one in self.both:
            wait_until("the Alertmanagers to have met", one.is_settled, every=0.2)


class People:
    """Who is told by webhook where the example sends mail. Started by `with`; ends with it."""

    def __init__(self):
        told = self._told = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.append((self.path, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def told(self, who, alertname):
        """Each message to `who` with such an alert: the labels of its alerts."""
        return [[alert["labels"] for alert in body["alerts"]] for path, body in list(self._told)
                if path == f"/{who}" and any(alert["labels"]["alertname"] == alertname
                                             for alert in body["alerts"])]
