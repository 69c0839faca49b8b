"""Draws a dashboard's JSON with figures from a Prometheus, as HTML and SVG. Not Grafana: a preview."""

import html
import math
import time

CELL, GAP, WIDE = 30, 6, 1600  # pixels: a unit of height, between panels, the page
NAMED = {"green": "#5fa357", "red": "#f2495c", "dark-red": "#c4162a", "orange": "#ff9830",
         "yellow": "#fade2a", "light-yellow": "#ffee52", "blue": "#5794f2", "light-blue": "#8ab8ff",
         "purple": "#b877d9", "text": "#6e7280"}
SERIES = ["#73bf69", "#5794f2", "#ff9830", "#b877d9", "#f2cc0c", "#37872d", "#8ab8ff", "#f2495c",
          "#ca95e5", "#e0b400", "#96d98d", "#ffb357"]

PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #111217; color: #ccccdc; font: 13px/1.4 "DejaVu Sans", sans-serif; }}
.notice {{ background: #1f60c4; color: #fff; padding: 5px 14px; font-size: 12px; }}
h1 {{ font-size: 18px; font-weight: 500; margin: 10px 14px 2px; }}
.says {{ margin: 0 14px; color: #8e8e9c; font-size: 12px; }}
.page {{ position: relative; margin: 8px; height: {height}px; }}
.panel {{ position: absolute; box-sizing: border-box; background: #181b1f; border: 1px solid #25272d;
  border-radius: 3px; overflow: hidden; padding: 6px 8px; }}
.row {{ position: absolute; font-weight: 500; padding: 5px 2px; color: #e6e6f0; }}
.title {{ font-size: 12px; font-weight: 500; white-space: nowrap; }}
.number {{ position: absolute; inset: 20px 0 0 0; display: flex; align-items: center;
  justify-content: center; font-weight: 500; }}
.none {{ color: #6e7280; font-size: 13px; font-weight: 400; }}
table {{ width: 100%; border-collapse: collapse; font-size: 12px; margin-top: 4px; }}
th {{ text-align: left; color: #6e9fff; font-weight: 500; padding: 2px 6px; }}
td {{ padding: 3px 6px; border-top: 1px solid #25272d; white-space: nowrap; }}
svg text {{ fill: #8e8e9c; font-size: 10px; }}
</style><div class="notice">preview rendered by upkeep's own tool, not Grafana &nbsp;·&nbsp; {origin}</div>
<h1>{title}</h1><p class="says">{says}</p><div class="page">{panels}</div>"""


def shown(value, unit, decimals=None):
    """A number as its unit wants it."""
    if value is None or math.isnan(value):
        return "–"
    if unit == "dateTimeFromNow":
        ago = time.time() - value / 1000
        return f"{ago / 60:.0f} min ago" if ago >= 90 else f"{ago:.0f} s ago"
    if unit == "s":
        return f"{value * 1000:.0f} ms" if 0 < abs(value) < 1 else f"{value:.1f} s"
    if unit in ("bytes", "Bps"):
        for prefix in ("", "Ki", "Mi", "Gi", "Ti"):
            if abs(value) < 1024 or prefix == "Ti":
                return f"{value:.3g} {prefix}B" + ("/s" if unit == "Bps" else "")
            value /= 1024
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    return f"{value:.{decimals}f}" if decimals is not None else f"{value:.3g}"


def legend_of(target, labels):
    text = target["legendFormat"]
    for name in set(labels) | {"instance"}:
        text = text.replace("{{" + name + "}}", labels.get(name, ""))
    return text


def threshold_color(panel, value):
    color = "green"
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            color = step["color"]
    return NAMED[color]


class Drawing:
    """`ask(expr)` and `ask_range(expr, since, until)` put a filled-in query to Prometheus."""

    def __init__(self, fill, ask, ask_range, since, until):
        self.fill, self.ask, self.ask_range = fill, ask, ask_range
        self.since, self.until = since, until

    def page(self, dashboard, origin):
        marks = self.marks(dashboard)
        bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
        drawn = "".join(self.placed(panel, marks) for panel in dashboard["panels"])
        return PAGE.format(height=bottom * CELL, origin=html.escape(origin), panels=drawn,
                           title=html.escape(dashboard["title"]),
                           says=html.escape(dashboard["description"])), bottom * CELL + 100

    def marks(self, dashboard):
        """(seconds, color) of each annotation."""
        found = set()
        for mark in dashboard["annotations"]["list"]:
            if "expr" in mark:
                for series in self.ask_range(self.fill(mark["expr"]), self.since, self.until):
                    found |= {(float(v) / 1000, NAMED[mark["iconColor"]]) for _, v in series["values"]}
        return sorted(mark for mark in found if self.since <= mark[0] <= self.until)

    def placed(self, panel, marks):
        place, unit = panel["gridPos"], (WIDE - 16) / 24
        x, y = place["x"] * unit, place["y"] * CELL
        w, h = place["w"] * unit - GAP, place["h"] * CELL - GAP
        if panel["type"] == "row":
            return f'<div class="row" style="left:{x:.0f}px;top:{y}px">{html.escape(panel["title"])}</div>'
        draw = {"stat": self.number, "table": self.table, "timeseries": self.lines,
                "state-timeline": self.timeline}[panel["type"]]
        return (f'<div class="panel" style="left:{x:.0f}px;top:{y}px;width:{w:.0f}px;height:{h:.0f}px">'
                f'<div class="title">{html.escape(panel["title"])}</div>'
                f'{draw(panel, w - 18, h - 32, marks)}</div>')

    @staticmethod
    def nothing(panel):
        text = panel["fieldConfig"]["defaults"].get("noValue", "No data")
        return f'<div class="number none">{html.escape(text)}</div>'

    def number(self, panel, *_):
        target = panel["targets"][0]
        found = self.ask(self.fill(target["expr"]))
        if found and panel["options"]["textMode"] == "value_and_name":
            each = "".join(
                f'<div style="flex:1;text-align:center"><div class="says">{legend_of(target, series["metric"])}</div>'
                f'<div style="font-size:22px;color:{NAMED["green"]}">'
                f'{shown(float(series["value"][1]), panel["fieldConfig"]["defaults"]["unit"])}</div></div>'
                for series in found)
            return f'<div class="number">{each}</div>'
        value = float(found[0]["value"][1]) if found else math.nan
        if math.isnan(value):
            return self.nothing(panel)
        defaults = panel["fieldConfig"]["defaults"]
        text = shown(value, defaults["unit"], defaults.get("decimals"))
        size = 34 if len(text) < 6 else 22
        return (f'<div class="number" style="font-size:{size}px;color:{threshold_color(panel, value)}">'
                f'{text}</div>')

    def table(self, panel, _width, height, _marks):
        columns = next(t for t in panel["transformations"] if t["id"] == "organize")["options"]["renameByName"]
        found = [{**series["metric"], "Value": float(series["value"][1])}
                 for target in panel["targets"] for series in self.ask(self.fill(target["expr"]))]
        if not found:
            return self.nothing(panel)
        columns = {k: v for k, v in columns.items() if any(row.get(k, "") != "" for row in found)}
        unit = panel["fieldConfig"]["defaults"]["unit"]
        body = "".join("<tr>" + "".join(
            f"<td>{html.escape(shown(row[key], unit) if key == 'Value' else row.get(key, ''))}</td>"
            for key in columns) + "</tr>" for row in found[:int(height / 24) - 1])
        return f"<table><tr>{''.join(f'<th>{html.escape(c)}</th>' for c in columns.values())}</tr>{body}</table>"

    def series(self, panel):
        """(legend, {second: value}) of each series that has a number anywhere."""
        found = [(legend_of(target, series["metric"]), {t: float(v) for t, v in series["values"]})
                 for target in panel["targets"]
                 for series in self.ask_range(self.fill(target["expr"]), self.since, self.until)]
        return [(legend, points) for legend, points in found
                if any(not math.isnan(value) for value in points.values())]

    def x(self, at, left, width):
        return left + (at - self.since) / (self.until - self.since) * (width - left)

    def frame(self, left, width, height, marks):
        parts = []
        for share in (0, 0.25, 0.5, 0.75, 1):
            at = self.since + share * (self.until - self.since)
            anchor = {0: "start", 1: "end"}.get(share, "middle")
            parts.append(f'<text x="{self.x(at, left, width):.0f}" y="{height + 12:.0f}" '
                         f'text-anchor="{anchor}">{time.strftime("%H:%M:%S", time.gmtime(at))}</text>')
        for at, color in marks:
            parts.append(f'<line x1="{self.x(at, left, width):.1f}" x2="{self.x(at, left, width):.1f}" y1="0" '
                         f'y2="{height:.0f}" stroke="{color}" stroke-dasharray="3 3" opacity=".6"/>')
        return "".join(parts)

    @staticmethod
    def key(entries, width, top):
        parts, x = [], 0
        for text, color in entries:
            needed = 18 + 6.2 * len(text)
            if x + needed > width:
                break
            parts.append(f'<rect x="{x:.0f}" y="{top - 7:.0f}" width="10" height="4" fill="{color}"/>'
                         f'<text x="{x + 14:.0f}" y="{top:.0f}">{html.escape(text)}</text>')
            x += needed
        return "".join(parts)

    @staticmethod
    def svg(width, height, inside):
        return f'<svg width="{width:.0f}" height="{height:.0f}">{inside}</svg>'

    def lines(self, panel, width, height, marks):
        found = self.series(panel)
        if not any(points for _, points in found):
            return self.nothing(panel)
        stacked = panel["fieldConfig"]["defaults"]["custom"]["drawStyle"] == "bars"
        left, tall = 58, height - 34
        sums = {}
        for _, points in found:
            for at, value in points.items():
                sums[at] = sums.get(at, 0) + value if stacked else max(sums.get(at, 0), value)
        top = max([*sums.values(), 1e-9])
        top = top if top > 1e-9 else 1
        low = min([0, *(value for _, points in found for value in points.values())])
        y = lambda value: 10 + (tall - 14) * (1 - (value - low) / (top - low))  # noqa: E731
        unit = panel["fieldConfig"]["defaults"]["unit"]
        parts = [f'<line x1="{left}" x2="{width:.0f}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#25272d"/>'
                 f'<text x="{left - 4}" y="{y(v) + 3:.1f}" text-anchor="end">{shown(v, unit)}</text>'
                 for v in sorted({low, low + (top - low) / 2, top})]
        base = {}
        for index, (_, points) in enumerate(found):
            color = SERIES[index % len(SERIES)]
            if stacked:
                for at, value in points.items():
                    start = base.get(at, 0)
                    base[at] = start + value
                    parts.append(f'<rect x="{self.x(at, left, width):.1f}" width="3" y="{y(start + value):.1f}" '
                                 f'height="{y(start) - y(start + value):.1f}" fill="{color}"/>')
            else:
                path, last = "", -math.inf
                for at, value in points.items():
                    if math.isnan(value):
                        continue
                    gap = at - last > (self.until - self.since) / 75
                    path += f"{'M' if gap else 'L'}{self.x(at, left, width):.1f},{y(value):.1f}"
                    last = at
                parts.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.3"/>')
        parts.append(self.frame(left, width, tall, marks))
        parts.append(self.key([(text, SERIES[i % len(SERIES)]) for i, (text, _) in enumerate(found)],
                              width, height - 2))
        return self.svg(width, height, "".join(parts))

    def timeline(self, panel, width, height, marks):
        found = sorted(self.series(panel))
        if not found:
            return self.nothing(panel)
        words = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
        left, tall = 8 + 6.6 * max(len(text) for text, _ in found), height - 34
        each, parts = tall / len(found), []
        for number, (text, points) in enumerate(found):
            parts.append(f'<text x="{left - 6:.0f}" y="{each * (number + .5) + 3:.1f}" text-anchor="end">'
                         f"{html.escape(text)}</text>")
            step = (self.until - self.since) / 300
            for at, value in points.items():
                color = NAMED[words.get(f"{value:g}", {"color": "text"})["color"]]
                x = self.x(at, left, width)
                wide = min(self.x(at + step, left, width) - x + .6, width - x)
                parts.append(f'<rect x="{x:.1f}" width="{max(wide, 0):.1f}" y="{each * (number + .1):.1f}" '
                             f'height="{each * .8:.1f}" fill="{color}"/>')
        parts.append(self.frame(left, width, tall, marks))
        parts.append(self.key([(word["text"], NAMED[word["color"]]) for word in words.values()],
                              width, height - 2))
        return self.svg(width, height, "".join(parts))
