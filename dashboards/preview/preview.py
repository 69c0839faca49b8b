#!/usr/bin/python3
"""Draws docs/pictures/*.png: each dashboard, as our own small renderer sees it.

    preview.py           takes some minutes: a demo must live through something first

The figures are real: `upkeep run --demo` goes through crashes, a lost link and a power cut, beside it is
the tests' node whose DRBD makes trouble, and a real Prometheus scrapes both. The picture is not
Grafana's, and says so. Needs build/release/upkeep, the Prometheus that ./test unpacks, and chromium.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(REPOSITORY / "tests"), str(pathlib.Path(__file__).resolve().parent)]

from conftest import find_tool  # noqa: E402
from harness.alertmanager import Webhook, body  # noqa: E402
from harness.daemon import Upkeep  # noqa: E402
from harness.dashboards import VARIABLES, files, load  # noqa: E402
from harness.prometheus import Prometheus  # noqa: E402
from harness.troubled_node import TroubledNode  # noqa: E402
from render import WIDE, Drawing  # noqa: E402

DAY = [(25, ["crash", "web1"]), (20, ["stop", "web3"]), (15, ["disconnect", "db2"]),
       (25, ["reconnect", "db2"]), (15, ["crash", "mail1"]), (25, ["power-cut"]), (50, None)]


ORIGIN = ("figures: upkeep run --demo (simulated VMs and DRBD), through crashes and a power cut, and a "
          "node2 whose DRBD is a recording and a script; scraped by a real Prometheus")


def live(upkeep):
    for number, (seconds, what) in enumerate(DAY):
        time.sleep(seconds)
        if number == 1:
            Webhook(upkeep).post(body("firing-single"))
        if what:
            print("demo", *what, flush=True)
            upkeep.cli("demo", *what, check=False)


def filling(page):
    """Fills in what somebody chose on a page: the one about a node shows one."""
    chosen = {**VARIABLES, "$node": "node1" if page == "node" else ".+"}

    def fill(text):
        for variable, value in sorted(chosen.items(), reverse=True):
            text = text.replace(variable, value)
        return text
    return fill


def screenshot(page, picture, height, scratch):
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         f"--user-data-dir={scratch}/chromium", f"--window-size={WIDE},{height}",
         f"--screenshot={picture}", page.as_uri()],
        check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=300)


def draw(prometheus, scratch):
    since, until = prometheus.begun + 12, time.time()
    step = (until - since) / 300
    for path in files():
        drawing = Drawing(
            filling(path.stem), prometheus.query,
            lambda expr, start, end: prometheus.get("query_range", query=expr, start=start, end=end,
                                                    step=step)["result"], since, until)
        text, height = drawing.page(load(path), ORIGIN)
        page = scratch / f"{path.stem}.html"
        page.write_text(text)
        picture = REPOSITORY / "docs/pictures" / f"{path.stem}.png"
        screenshot(page, picture, height, scratch)
        print(picture, picture.stat().st_size // 1024, "kB", flush=True)


def main():
    if shutil.which("chromium") is None:
        sys.exit("no chromium here")
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        with Upkeep(REPOSITORY, scratch / "upkeep", demo=True) as upkeep:
            neighbour = TroubledNode(REPOSITORY, scratch / "node2", upkeep)
            nodes = {"node1": upkeep.instance()["public_url"].removeprefix("http://"),
                     "node2": neighbour.address}
            with Prometheus(find_tool("prometheus"), scratch / "prometheus", nodes,
                            REPOSITORY / "alerts", interval="1s") as prometheus, neighbour:
                live(upkeep)
                draw(prometheus, scratch)


if __name__ == "__main__":
    main()
