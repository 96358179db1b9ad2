"""The report of a load: a table, a chart, and the refusal to report noise."""

import statistics
import sys

import environment

# A ratio is shown where its median is known within this share of itself.
LARGEST_DOUBT = 0.10
# There is a report where at least this share of the ratios of processor time can be shown: they
# are the steadiest, and where they are not, nothing is.
LEAST_SHOWN = 0.75
FIGURES = ("rate", "cpu", "p50", "p99", "p999")


def ratios(base, other, figure):
    """Round by round, so that what slows both down counts for neither."""
    return [b[figure] / max(a[figure], 1e-9) for a, b in zip(base, other)]


def doubt(values):
    """How far off the median may be, as a share of it: the notch of a box plot.

    Source: McGill, Tukey and Larsen, Variations of Box Plots, 1978.
    """
    low, _, high = statistics.quantiles(values, n=4)
    return 1.57 * (high - low) / len(values) ** 0.5 / statistics.median(values)


class Row:
    """A row's medians, and its ratios as text."""

    def __init__(self, row, results):
        self.contenders, self.protocol, self.connections, self.verdict, self.size = row
        base, other = (results[name] for name in self.contenders)
        middle = lambda rounds, figure: statistics.median(each[figure] for each in rounds)
        self.base = {figure: middle(base, figure) for figure in FIGURES}
        self.other = {figure: middle(other, figure) for figure in FIGURES}
        self.ratio, self.doubt = {}, {}
        for figure in FIGURES:
            values = ratios(base, other, figure)
            self.ratio[figure], self.doubt[figure] = statistics.median(values), doubt(values)

    def is_shown(self, figure):
        return self.doubt[figure] <= LARGEST_DOUBT

    def cell(self, figure):
        if not self.is_shown(figure):
            return f"noisy (±{self.doubt[figure]:.0%})"
        return f"{self.ratio[figure]:.2f} ±{self.ratio[figure] * self.doubt[figure]:.2f}"

    def both(self, figure, pattern):
        """The medians of both, where their ratio is shown."""
        if not self.is_shown(figure):
            return "–"
        return f"{pattern.format_map(self.other)} / {pattern.format_map(self.base)}"

    def name(self):
        return f"{self.protocol}, {self.connections} conn., {self.size} kB {self.verdict}"


def table(rows):
    lines = [
        "| load | of | over | req/s | CPU µs/req | p50, p99, p99.9 µs | req/s ratio | CPU ratio | p99 ratio |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            row.name(), row.contenders[1], row.contenders[0],
            row.both("rate", "{rate:.0f}"), row.both("cpu", "{cpu:.1f}"),
            row.both("p99", "{p50:.0f}, {p99:.0f}, {p999:.0f}"),
            row.cell("rate"), row.cell("cpu"), row.cell("p99"),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def chart(rows):
    """Server CPU per request: the floor's part in grey, what the webhook adds in blue."""
    rows = [row for row in rows if row.contenders == ("floor", "gate") and row.connections == 16]
    width, left, step = 880, 300, 26
    most = max([row.other["cpu"] for row in rows], default=1)
    scale = (width - left - 150) / most
    parts = []
    for number, row in enumerate(rows):
        y, floor, gate = 48 + number * step, row.base["cpu"], row.other["cpu"]
        label = f"{row.protocol}, {row.size} kB {row.verdict}"
        parts += [
            f'<text x="{left - 10}" y="{y + 13}" text-anchor="end">{label}</text>',
            f'<rect x="{left}" y="{y}" width="{gate * scale:.1f}" height="18" fill="#2f6fb0"/>',
            f'<rect x="{left}" y="{y}" width="{min(floor, gate) * scale:.1f}" height="18" fill="#b8c0c8"/>',
            f'<text x="{left + gate * scale + 8:.1f}" y="{y + 13}">{gate:.0f} µs, floor {floor:.0f} µs</text>',
        ]
    height = 60 + len(rows) * step
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        '<text x="20" y="26" font-size="15">Server CPU per request over TLS, 16 connections: '
        "the floor in grey, what ImageGate adds in blue</text>",
        *parts, "</svg>\n",
    ])


def write(arguments, measured, process):
    """Writes the report; 1 where the run was too noisy for one."""
    rows = [Row(*each) for each in measured]
    count = lambda figure: sum(row.is_shown(figure) for row in rows)
    quiet = (f"of {len(rows)} ratios, {count('cpu')} of CPU, {count('rate')} of req/s and "
             f"{count('p99')} of p99 are steady")
    if count("cpu") < LEAST_SHOWN * len(rows):
        for row in rows:
            print(row.name(), *row.contenders, *map(row.cell, FIGURES), sep=", ", file=sys.stderr)
        print(f"too noisy to mean anything: {quiet}", file=sys.stderr)
        return 1
    median, least = process["starts"]
    text = "\n\n".join([
        environment.line(),
        f"{arguments.rounds} rounds of {arguments.seconds} s in turn; {quiet}. "
        "Figures are medians, of the first and of the second; ratios are the first over the "
        "second.",
        table(rows),
        f"RSS {process['idle_memory']:.1f} MiB idle, {process['memory']:.1f} MiB after the load, "
        f"{process['peak_memory']:.1f} MiB at most. Ready {median:.0f} ms after exec ({least:.0f} ms "
        f"at best). Binary {process['binary']:.1f} MiB. {process['generation']} policies were "
        "applied.",
    ])
    (arguments.output / "report.md").write_text(text + "\n")
    (arguments.output / "chart.svg").write_text(chart(rows))
    print(text)
    return 0
