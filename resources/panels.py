#!/usr/bin/env python3
"""Draws the scrapes of scrape.py as SVG: the panels of deploy/grafana/imagegate.json, all of them and no
others, with their titles and in their places. A panel that this does not know how to draw is an error.

Usage: panels.py <SAMPLES.json >PICTURE.svg
       panels.py --check                     says whether it knows every panel
"""

import json
import math
import re
import sys
import time
from html import escape
from pathlib import Path

DASHBOARD = Path(__file__).resolve().parents[1] / "deploy/grafana/imagegate.json"
# The dashboard has 24 columns; a row of it is this high.
WIDTH, GAP, TOP, COLUMNS, ROW = 1320, 12, 64, 24, 29
# Seconds over which a rate is taken.
WINDOW = 5
GROUND, PANEL, GRID = "#0f1420", "#171d2b", "#262e40"
TEXT, QUIET = "#dbe4f3", "#8b98b3"
GREEN, RED, BLUE, ORANGE, PURPLE = "#5fdd9d", "#ff6b78", "#4db2ff", "#ffb04d", "#c594ff"
DECISIONS = "imagegate_admission_decisions_total"
VIOLATIONS = "imagegate_violations_total"
DURATION = "imagegate_admission_duration_seconds_bucket"


def main():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    titles = [panel["title"] for panel in panels if panel["type"] != "row"]
    for title in sorted(DRAWN.keys() ^ set(titles)):
        sys.exit(f"panels.py and the dashboard differ: {title}")
    if sys.argv[1:] == ["--check"]:
        print(f"{len(titles)} panels")
    else:
        sys.stdout.write(page(panels, json.load(sys.stdin)))


# --- What the queries of the dashboard ask for ---


def labels(series):
    return dict(re.findall(r'(\w+)="([^"]*)"', series))


def total(sample, name, **wanted):
    return sum(value for series, value in sample["metrics"].items()
               if series.split("{")[0] == name and wanted.items() <= labels(series).items())


def increase(samples, at, name, **wanted):
    before = samples[max(0, at - WINDOW)]
    return total(samples[at], name, **wanted) - total(before, name, **wanted)


def rates(samples, name, **wanted):
    return [increase(samples, at, name, **wanted)
            / (samples[at]["time"] - samples[at - WINDOW]["time"])
            for at in range(WINDOW, len(samples))]


def bounds(samples):
    found = {labels(series)["le"] for series in samples[0]["metrics"] if series.startswith(DURATION)}
    return sorted(found, key=lambda le: float(le.replace("+Inf", "inf")))


def quantile(samples, at, q, window_start=None):
    """As histogram_quantile does: linear within a bucket."""
    begin = samples[max(0, at - WINDOW) if window_start is None else window_start]
    les = bounds(samples)
    counts = [total(samples[at], DURATION, le=le) - total(begin, DURATION, le=le) for le in les]
    rank, lower, below = q * counts[-1], 0.0, 0.0
    for le, count in zip(les, counts):
        if count >= rank and le != "+Inf" and count > below:
            return lower + (float(le) - lower) * (rank - below) / (count - below)
        if le != "+Inf":
            lower, below = float(le), count
    return lower


def instant(sample, name):
    return total(sample, name)


# --- The page ---


def page(panels, samples):
    unit = (WIDTH - GAP) / COLUMNS
    drawn = []
    for panel in panels:
        at = panel["gridPos"]
        if panel["type"] == "row":
            drawn.append(text(GAP + 6, TOP + at["y"] * ROW + 16, panel["title"], 15, TEXT, weight="600"))
            continue
        box = (GAP + at["x"] * unit, TOP + at["y"] * ROW, at["w"] * unit - GAP, at["h"] * ROW - GAP)
        drawn.append(DRAWN[panel["title"]](samples, *box, panel["title"]))
    height = TOP + max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) * ROW
    span = f"{clock(samples[0]['time'])} – {clock(samples[-1]['time'])} UTC"
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"
 font-family="Inter, DejaVu Sans, sans-serif">
<rect width="{WIDTH}" height="{height}" rx="12" fill="{GROUND}"/>
{text(GAP + 6, 39, "ImageGate", 19, TEXT, weight="bold")}
{text(WIDTH - GAP - 6, 38, span, 13, QUIET, anchor="end")}
{"".join(drawn)}</svg>
"""


def figure(of, form, colour):
    """A panel with one number: what `of` makes of the last sample."""
    def draw(samples, x, y, width, height, title):
        value = of(samples)
        return stat(x, y, width, height, title, form(value), colour(value))
    return draw


def graph(form, *series):
    """A panel with lines: each of `series` is a name, a colour, and what makes its values."""
    def draw(samples, *box):
        shown = [(name, colour, of(samples)) for name, colour, of in series]
        return lines(samples, *box, shown, form)
    return draw


def rate(name, **wanted):
    return lambda samples: rates(samples, name, **wanted)


def gauge(name):
    return lambda samples: [instant(sample, name) for sample in samples[WINDOW:]]


def grown(name, **wanted):
    return lambda samples: [increase(samples, at, name, **wanted) for at in range(WINDOW, len(samples))]


def quantiles(q):
    return lambda samples: [quantile(samples, at, q) for at in range(WINDOW, len(samples))]


def days_left(samples):
    expires = instant(samples[-1], "imagegate_tls_certificate_not_after_timestamp_seconds")
    return (expires - samples[-1]["time"]) / 86400


def label_of(sample, name, label):
    return next(labels(series)[label] for series, value in sample["metrics"].items()
                if series.split("{")[0] == name and value == 1)


def replicas(samples, x, y, width, height, title):
    """The table: one replica was scraped."""
    last = samples[-1]
    changed = last["time"] - instant(last, "imagegate_policy_last_reload_success_timestamp_seconds")
    cells = [
        ("instance", "127.0.0.1:8080"),
        ("policy", label_of(last, "imagegate_policy_info", "hash")),
        ("applied", f"{instant(last, 'imagegate_policy_generation'):.0f}"),
        ("last change", f"{changed:.0f} seconds ago"),
        ("certificate", f"{days_left(samples):.0f} d"),
        ("version", label_of(last, "imagegate_build_info", "version")),
    ]
    drawn = frame(x, y, width, height, title)
    places = [0, 0.22, 0.42, 0.53, 0.74, 0.88]
    for (name, value), place in zip(cells, places):
        at = x + 14 + place * (width - 28)
        drawn += text(at, y + 58, name, 12, QUIET, weight="600") + text(at, y + 86, value, 12.5, TEXT)
    return drawn + f'<path d="M{x + 14:.1f} {y + 67}H{x + width - 14:.1f}" stroke="{GRID}"/>\n'


def text(x, y, words, size, fill, anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}"'
            f' font-weight="{weight}">{escape(words)}</text>\n')


def clock(moment):
    return time.strftime("%H:%M:%S", time.gmtime(moment))


def seconds(value):
    if value == 0:
        return "0"
    return f"{value * 1e6:.0f} µs" if value < 1e-3 else f"{value * 1e3:g} ms" if value < 1 else f"{value:g} s"


def frame(x, y, width, height, title):
    return (f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" rx="6" fill="{PANEL}"'
            f' stroke="{GRID}"/>\n' + text(x + 14, y + 24, title, 13, TEXT, weight="600"))


def stat(x, y, width, height, title, value, colour):
    # A hash takes twelve wide characters.
    size = 27 if len(value) < 12 else 23
    return (frame(x, y, width, height, title)
            + text(x + width / 2, y + 69, value, size, colour, anchor="middle", weight="600"))


class Plot:
    """The inner rectangle of a panel, with time from left to right."""

    def __init__(self, samples, x, y, width, height, margin=62):
        self.left, self.right = x + margin, x + width - 18
        self.top, self.bottom = y + 42, y + height - 52
        self.start, self.end = samples[WINDOW]["time"], samples[-1]["time"]

    def across(self, moment):
        return self.left + (self.right - self.left) * (moment - self.start) / (self.end - self.start)

    def times(self):
        first = math.ceil(self.start / 10) * 10
        every = 10 if self.right - self.left > 400 else 20
        return "".join(text(self.across(t), self.bottom + 18, clock(t), 11, QUIET, anchor="middle")
                       for t in range(first, int(self.end) + 1, every)
                       if self.left + 20 < self.across(t) < self.right - 20)


def lines(samples, x, y, width, height, title, series, form):
    plot = Plot(samples, x, y, width, height)
    most = max(max(values) for _, _, values in series)
    step, top = scale(most) if most > 0 else (1, 1)

    def up(value):
        return plot.bottom - (plot.bottom - plot.top) * value / top

    drawn = frame(x, y, width, height, title) + plot.times()
    for tick in range(round(top / step) + 1):
        at = up(tick * step)
        drawn += f'<path d="M{plot.left:.1f} {at:.1f}H{plot.right:.1f}" stroke="{GRID}"/>\n'
        drawn += text(plot.left - 9, at + 4, form(round(tick * step, 9)), 11, QUIET, anchor="end")
    drawn += edits(samples, plot)
    for _, colour, values in series:
        points = [f"{plot.across(sample['time']):.1f} {up(value):.1f}"
                  for sample, value in zip(samples[WINDOW:], values)]
        line = "M" + "L".join(points)
        drawn += (f'<path d="{line}V{plot.bottom:.1f}H{plot.left:.1f}z" fill="{colour}" fill-opacity=".12"/>\n'
                  f'<path d="{line}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"/>\n')
    at = x + 14
    for name, colour, values in series:
        if at + 21 + 6.8 * len(name) > x + width:
            break
        drawn += f'<rect x="{at}" y="{y + height - 19}" width="14" height="4" rx="2" fill="{colour}"/>\n'
        drawn += text(at + 21, y + height - 12.5, name, 12, QUIET)
        at += 21 + 6.8 * len(name) + 22
    return drawn


def edits(samples, plot):
    """A mark where another policy came into force."""
    drawn = ""
    for before, after in zip(samples, samples[1:]):
        name = "imagegate_policy_generation"
        if instant(before, name) != instant(after, name):
            at = plot.across(after["time"])
            drawn += (f'<path d="M{at:.1f} {plot.top:.1f}V{plot.bottom:.1f}" stroke="{BLUE}"'
                      f' stroke-dasharray="4 4"/>\n')
            drawn += text(at + 6, plot.top + 11, f"policy {instant(after, name):.0f}", 11, BLUE)
    return drawn


def heatmap(samples, x, y, width, height, title):
    plot = Plot(samples, x, y, width, height)
    les = bounds(samples)[:-1]
    cells = {}
    for at in range(WINDOW + 1, len(samples)):
        below = 0
        for number, le in enumerate(les):
            count = total(samples[at], DURATION, le=le) - total(samples[at - 1], DURATION, le=le)
            cells[at, number] = count - below
            below = count
    # One empty bucket above the highest that was met.
    rows = min(len(les), 2 + max(number for (_, number), count in cells.items() if count > 0))
    rows = max(rows, 5)
    high = (plot.bottom - plot.top) / rows
    most = max(cells.values())
    drawn = frame(x, y, width, height, title) + plot.times()
    for (at, number), count in cells.items():
        if count > 0:
            left, right = (plot.across(samples[n]["time"]) for n in (at - 1, at))
            drawn += (f'<rect x="{left + .5:.1f}" y="{plot.bottom - (number + 1) * high + .5:.1f}"'
                      f' width="{right - left - 1:.1f}" height="{high - 1:.1f}"'
                      f' fill="{shade(count / most)}"/>\n')
    for number in range(rows):
        drawn += text(plot.left - 9, plot.bottom - (number + 1) * high + 4, seconds(float(les[number])), 11,
                      QUIET, anchor="end")
    drawn += text(x + 14, y + height - 12.5, "1", 12, QUIET)
    for n in range(40):
        drawn += f'<rect x="{x + 28 + n * 4}" y="{y + height - 22}" width="4" height="9" fill="{shade(n / 39)}"/>\n'
    return drawn + text(x + 196, y + height - 12.5, f"{most:.0f} a second", 12, QUIET)


def shade(part):
    """From the ground over purple to yellow; the eye tells few from none."""
    stops = [(44, 36, 84), (122, 46, 140), (226, 84, 96), (255, 196, 92)]
    place = math.sqrt(part) * (len(stops) - 1)
    low = min(int(place), len(stops) - 2)
    mixed = (round(a + (b - a) * (place - low)) for a, b in zip(stops[low], stops[low + 1]))
    return "#%02x%02x%02x" % tuple(mixed)


def scale(most):
    """A round step, and the top of an axis that holds `most` with four or five of them."""
    rough = most * 1.08 / 4
    magnitude = 10 ** math.floor(math.log10(rough))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough)
    return step, step * math.ceil(most * 1.02 / step)


def plain(value):
    return f"{value:g}"


def mebibytes(name):
    return lambda samples: [value / 2**20 for value in gauge(name)(samples)]


GENERATION = "imagegate_policy_generation"
ERRORS = "imagegate_admission_errors_total"
FLIPS = "imagegate_candidate_flips_total"
ACCEPTED = "imagegate_policy_last_reload_successful"
OBSERVED = "imagegate_observed_images_total"


def share(pinned_by):
    """The part of the images that are pinned down in this way."""
    def of(samples):
        own, all_images = rates(samples, OBSERVED, pinned_by=pinned_by), rates(samples, OBSERVED)
        return [100 * part / whole if whole else 0 for part, whole in zip(own, all_images)]
    return of


# How each panel of the dashboard is drawn.
DRAWN = {
    "Replicas with a policy": figure(
        lambda samples: instant(samples[-1], GENERATION) > 0, lambda there: f"{there:d}", lambda _: GREEN),
    "Policies in force": figure(
        lambda samples: instant(samples[-1], "imagegate_policy_info"), plain, lambda _: GREEN),
    "Policy in the ConfigMap": figure(
        lambda samples: instant(samples[-1], ACCEPTED) == 1,
        lambda valid: "accepted" if valid else "refused", lambda valid: GREEN if valid else RED),
    "Denied per second": figure(
        lambda samples: rates(samples, DECISIONS, decision="deny")[-1], "{:.1f}".format, lambda _: ORANGE),
    "99 % answered within": figure(
        lambda samples: quantile(samples, len(samples) - 1, 0.99, 0), seconds, lambda _: GREEN),
    "Certificate": figure(days_left, "{:.0f} days".format, lambda _: GREEN),
    "Allowed and denied": graph(
        plain, ("allow", GREEN, rate(DECISIONS, decision="allow")), ("deny", RED, rate(DECISIONS, decision="deny"))),
    "Violations by rule": graph(
        plain, *((f"{rule} (enforce)", colour, rate(VIOLATIONS, rule=rule, mode="enforce")) for rule, colour in
                 (("blocked-tag", ORANGE), ("untrusted-registry", PURPLE), ("missing-tag", BLUE)))),
    "Latency": heatmap,
    "Latency quantiles": graph(
        seconds, ("99.9 %", RED, quantiles(0.999)), ("99 %", ORANGE, quantiles(0.99)), ("median", BLUE, quantiles(0.5))),
    "Reloads": graph(
        plain, ("policy: success", GREEN, grown("imagegate_policy_reloads_total", result="success")),
        ("policy: failure", RED, grown("imagegate_policy_reloads_total", result="failure")),
        ("key pair: success", BLUE, grown("imagegate_tls_reloads_total", result="success")),
        ("key pair: failure", ORANGE, grown("imagegate_tls_reloads_total", result="failure"))),
    "Replicas": replicas,
    "Errors in place of a verdict": graph(
        plain, ("overload", ORANGE, rate(ERRORS, reason="overload")),
        ("malformed-review", PURPLE, rate(ERRORS, reason="malformed-review")),
        ("no-policy", RED, rate(ERRORS, reason="no-policy")),
        ("TLS handshake", BLUE, rate("imagegate_tls_handshake_errors_total")),
        ("panicked", RED, rate("imagegate_panics_total"))),
    "Load": graph(
        plain, ("connections", BLUE, gauge("imagegate_connections")),
        ("requests in flight", GREEN, gauge("imagegate_requests_in_flight")),
        ("turned away", RED, grown("imagegate_requests_shed_total"))),
    "Candidate and exemptions": graph(
        plain, ("candidate: allow", GREEN, rate(FLIPS, to="allow")), ("candidate: deny", RED, rate(FLIPS, to="deny")),
        ("exempted", PURPLE, rate("imagegate_exempted_total"))),
    "Memory": graph("{:g} MiB".format, ("127.0.0.1:8080", BLUE, mebibytes("process_resident_memory_bytes"))),
    "CPU": graph(plain, ("127.0.0.1:8080", BLUE, rate("process_cpu_seconds_total"))),
    "Images by registry": graph(
        plain, *((registry, colour, rate("imagegate_observed_registries_total", registry=registry))
                 for registry, colour in (("docker.io", BLUE), ("gcr.io", GREEN), ("quay.io", ORANGE)))),
    "Images by decision": graph(
        plain, ("allow", GREEN, rate(OBSERVED, decision="allow")), ("deny", RED, rate(OBSERVED, decision="deny")),
        ("warn", ORANGE, rate(OBSERVED, decision="warn")), ("exempt", PURPLE, rate(OBSERVED, decision="exempt"))),
    "Images that no digest pins": graph(
        "{:g} %".format, ("digest", GREEN, share("digest")), ("tag", ORANGE, share("tag")),
        ("nothing", RED, share("nothing"))),
    "Remembered": graph(
        plain, ("127.0.0.1:8080", BLUE, gauge("imagegate_observed_entries")),
        ("forgotten", ORANGE, grown("imagegate_observed_evictions_total")),
        ("lost", RED, grown("imagegate_observed_losses_total"))),
}

if __name__ == "__main__":
    main()
