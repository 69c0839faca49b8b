#!/usr/bin/python3
"""Draws docs/pictures/*.png: each dashboard, as our own small renderer sees it.

    preview.py           takes some minutes: a demo must live through something first

The figures are real: `upkeep run --demo` goes through crashes, a lost link and a power cut, and a real
Prometheus scrapes it. The picture is not Grafana's, and says so. Needs build/release/upkeep, the
Prometheus that ./test unpacks, and chromium.
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
from harness.daemon import Upkeep  # noqa: E402
from harness.dashboards import VARIABLES, files, load  # noqa: E402
from harness.prometheus import Prometheus  # noqa: E402
from render import WIDE, Drawing  # noqa: E402

DAY = [(25, ["crash", "web1"]), (20, ["stop", "web3"]), (15, ["disconnect", "db2"]),
       (25, ["reconnect", "db2"]), (15, ["crash", "mail1"]), (25, ["power-cut"]), (50, None)]


def live(upkeep):
    for seconds, what in DAY:
        time.sleep(seconds)
        if what:
            print("demo", *what, flush=True)
            upkeep.cli("demo", *what, check=False)


def fill(text):
    for variable, value in sorted(VARIABLES.items(), reverse=True):
        text = text.replace(variable, value)
    return text


def screenshot(page, picture, height, scratch):
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         f"--user-data-dir={scratch}/chromium", f"--window-size={WIDE},{height}",
         f"--screenshot={picture}", page.as_uri()],
        check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=300)


def draw(prometheus, scratch):
    since, until = prometheus.begun + 12, time.time()
    step = (until - since) / 300
    drawing = Drawing(
        fill, prometheus.query,
        lambda expr, start, end: prometheus.get("query_range", query=expr, start=start, end=end,
                                                step=step)["result"], since, until)
    for path in files():
        text, height = drawing.page(load(path), "figures: upkeep run --demo (simulated VMs and DRBD), "
                                    "through crashes and a power cut, scraped by a real Prometheus")
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
            target = upkeep.instance()["public_url"].removeprefix("http://")
            with Prometheus(find_tool("prometheus"), scratch / "prometheus", {"node1": target},
                            REPOSITORY / "alerts", interval="1s") as prometheus:
                live(upkeep)
                draw(prometheus, scratch)


if __name__ == "__main__":
    main()
