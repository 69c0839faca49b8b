"""nginx or stunnel in front of an upkeep, with the files that are shipped and ports of its own."""

import pathlib
import re
import ssl
import subprocess
import urllib.parse

from harness.prometheus import free_port
from harness.waiting import wait_until

#: What they are run with beside the shipped file, which nginx includes.
NGINX = """\
daemon off;
pid {directory}/nginx.pid;
error_log stderr;
events {{}}
http {{
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  scgi_temp_path {directory}/scgi;
  uwsgi_temp_path {directory}/uwsgi;
  include {config};
}}
"""


def replaced(text, changes):
    """Each of the patterns replaced; one that isn't there means that the test misses its point."""
    for pattern, new in changes.items():
        text, count = re.subn(pattern, new, text)
        assert count, f"nothing like {pattern!r}"
    return text


class Front:
    """Started by `with`; ends with it. Listens on [::1] only."""

    def __init__(self, program, config, directory, instance, certificates):
        self.program = program
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        self.public_port, self.control_port = free_port("::1"), free_port("::1")
        behind = {port: urllib.parse.urlsplit(instance[f"{name}_url"]).netloc
                  for port, name in ((9893, "public"), (9894, "control"))}
        self.config = self.directory / "upkeep.conf"
        text = replaced(config.read_text(), {
            r"(?m)^((?!#|;).*)127\.0\.0\.1:9893": rf"\g<1>{behind[9893]}",
            r"(?m)^((?!#|;).*)127\.0\.0\.1:9894": rf"\g<1>{behind[9894]}",
            r"/etc/upkeep/tls/node": f"{certificates}/node1",
            r"/etc/upkeep/tls/ca": f"{certificates}/ca"})
        self.config.write_text(self._on_loopback(text))
        self.process = None

    def _on_loopback(self, text):
        raise NotImplementedError

    def _command(self):
        raise NotImplementedError

    def __enter__(self):
        with self._log().open("ab") as log:
            self.process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        wait_until("the front to listen", self._listens)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        print(self._log().read_text())  # shown when the test failed

    def _log(self):
        return self.directory / "front.log"

    def _listens(self):
        if self.process.poll() is not None:
            raise RuntimeError(self._log().read_text())
        for port in (self.public_port, self.control_port):
            ssl.get_server_certificate(("::1", port), timeout=5)
        return True


class Nginx(Front):
    def _on_loopback(self, text):
        return replaced(text, {r"\[::\]:9895": f"[::1]:{self.public_port}",
                               r"\[::\]:9896": f"[::1]:{self.control_port}"})

    def _command(self):
        main = self.directory / "nginx.conf"
        main.write_text(NGINX.format(directory=self.directory, config=self.config))
        return [self.program, "-p", self.directory, "-c", main, "-e", "stderr"]


class Stunnel(Front):
    def _on_loopback(self, text):
        # Debian's package makes the user; here it is only unpacked.
        return replaced(text, {r":::9895": f"::1:{self.public_port}",
                               r":::9896": f"::1:{self.control_port}",
                               r"setuid = stunnel4": "setuid = nobody",
                               r"setgid = stunnel4": "setgid = nogroup"})

    def _command(self):
        return [self.program, self.config]
