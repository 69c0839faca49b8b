"""The real `upkeep`, run as an operator would run it, with ports and files of its own."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

from harness.metrics import Metrics
from harness.waiting import wait_until

CONFIG = """\
mode = "{mode}"
node = "{node}"
[http]
listen = "{address}:{port}"
control_listen = "127.0.0.1:{control_port}"
[libvirt]
uri = "{uri}"
[drbd]
{drbd}
[journal]
path = "{journal}"
[policy]
startup_grace = "{startup_grace}"
first_gap = "{first_gap}"
stable_window = "{stable_window}"
"""


class Upkeep:
    """A daemon with a directory of its own. Restart it and it goes on from its journal."""

    def __init__(self, repository, directory, uri="", demo=False, mode="act", node="node1", more="",
                 root=None, drbd='enabled = "off"', **policy):
        self.program = pathlib.Path(os.environ.get("UPKEEP_PROGRAM") or
                                    pathlib.Path(repository) / "build" / "release" / "upkeep")
        self.directory = pathlib.Path(directory)
        self.demo = demo
        self.root = root
        self.process = None
        self.log_path = self.directory / "upkeep.log"
        self.config = self.directory / "upkeep.toml"
        self.journal = self.directory / "state" / "upkeep.db"
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        (self.directory / "run").mkdir(mode=0o700, exist_ok=True)
        if demo:
            self.config.write_text(
                f'mode = "act"\nnode = "{node}"\n'
                '[http]\nlisten = "127.0.0.1:0"\ncontrol_listen = "127.0.0.1:0"\n')
        else:
            values = {"startup_grace": "1s", "first_gap": "10s", "stable_window": "600s",
                      "address": "127.0.0.1", "port": 0, "control_port": 0, **policy}
            self.config.write_text(CONFIG.format(
                mode=mode, node=node, uri=uri, drbd=drbd, journal=self.journal, **values) + more)

    # Its life.

    def _environment(self):
        return {**os.environ, "UPKEEP_RUNTIME_DIR": str(self.directory / "run"),
                "XDG_RUNTIME_DIR": str(self.directory / "run"), "LC_ALL": "C"}

    def _common(self):
        common = ["--config", str(self.config)]
        return common + (["--root", str(self.root)] if self.root else [])

    def spawn(self):
        """Starts the process and returns at once."""
        assert self.process is None
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "run", *self._common(), *(["--demo"] if self.demo else [])],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment())

    def start(self):
        """Starts it and waits until it has read every source once."""
        self.spawn()
        wait_until("upkeep to be ready", self._is_ready)
        return self

    def _is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"upkeep ended with {self.process.returncode}:\n{self.log()}")
        return self.get("/-/ready")[0] == 200

    def stop(self, timeout=20):
        """SIGTERM, as systemd does; returns the exit code."""
        process, self.process = self.process, None
        process.terminate()
        return process.wait(timeout)

    def kill(self):
        """kill -9: nothing is tidied up."""
        process, self.process = self.process, None
        process.kill()
        process.wait()

    def restart(self):
        self.stop()
        return self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # What it says.

    def instance(self):
        """What it wrote down about itself; ports are chosen by the kernel."""
        name = "demo.json" if self.demo else "instance.json"
        instance = json.loads((self.directory / "run" / name).read_text())
        assert self.process is None or instance["pid"] == self.process.pid
        return instance

    def token(self):
        """What the control listener wants to see."""
        return pathlib.Path(self.instance()["token_file"]).read_text().strip()

    def get(self, path, timeout=10):
        """(status, body) of a page of the public port."""
        try:
            with urllib.request.urlopen(self.instance()["public_url"] + path, timeout=timeout) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self):
        status, body = self.get("/metrics")
        assert status == 200, body
        return Metrics(body)

    def metric(self, name, **labels):
        return self.metrics().get(name, **labels)

    def cli(self, *arguments, check=True):
        """Runs the command line against this daemon."""
        command = arguments[0]
        takes_config = command not in ("version", "metrics", "demo")
        demo = self.demo and command not in ("version", "metrics", "demo", "check")
        done = subprocess.run(
            [self.program, *arguments, *(self._common() if takes_config else []),
             *(["--demo"] if demo else [])],
            text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60,
            env=self._environment())
        if check:
            assert done.returncode == 0, f"upkeep {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done

    def status(self):
        return json.loads(self.cli("status", "--json").stdout)

    def vm(self, name):
        """What status says of a VM."""
        return next(vm for vm in self.status()["vms"] if vm["name"] == name)

    def why(self, target):
        return json.loads(self.cli("why", target, "--json").stdout)

    def history(self, target=None, limit=1000):
        """Oldest first."""
        arguments = ["history", "--json", "--limit", str(limit)]
        entries = json.loads(self.cli(*arguments, *(["--target", target] if target else [])).stdout)
        entries = entries["entries"] if isinstance(entries, dict) else entries
        return sorted(entries, key=lambda entry: entry["at"])

    def recovery(self, number=0):
        """A recovery VM by VM; 0 is the last one. None: there was none."""
        done = self.cli("history", "--recovery", str(number), "--json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def starts(self, vm=None):
        """The journal's (begin, end) entries of start_vm, by action; end is None while it lasts."""
        pairs = {}
        for entry in self.history(f"vm/{vm}" if vm else None):
            if entry["kind"] in ("begin", "end") and entry["text"].startswith("start_vm"):
                pairs.setdefault(entry["action_id"], {})[entry["kind"]] = entry
        return [(pair.get("begin"), pair.get("end")) for _, pair in sorted(pairs.items())]

    def logged(self, pattern):
        """Lines of the log that match."""
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def hang_up(self):
        """SIGHUP: read the configuration again."""
        os.kill(self.process.pid, signal.SIGHUP)

    def scrape_seconds(self):
        """How long a scrape takes."""
        begun = time.monotonic()
        self.metrics()
        return time.monotonic() - begun
