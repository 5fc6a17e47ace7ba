# SPDX-License-Identifier: MIT
"""
Charts as SVG for a page: text is text, and colours are the page's, so that it can be
read in light and in dark. The same figures give the same bytes.

Matplotlib wants colours that are numbers: each colour of the page has one that stands for it here and is
replaced by the CSS variable at the end.
"""
import io
import re

import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  (after the choice of what it draws with)
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator  # noqa: E402

INK, GRID = "#0a0b0c", "#0a0b0d"
PALETTE = 8 # --series-0 and so on in page.html; the first is this library's, the last for plain bars
MARKERS = "oDsv^<>PXph*"
DASHES = ["-", "--", ":"]

matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "magring",
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 10, "axes.titlesize": 10,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK,
    "grid.color": GRID, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "legend.frameon": False, "legend.fontsize": 9, "axes.facecolor": "none", "figure.facecolor": "none",
    "errorbar.capsize": 2, "text.parse_math": False,
})


def number(value, digits=3):
    """12.3 M, 1,234, 0.0123; a dash for what does not exist."""
    if value is None:
        return "–"
    for scale, letter in ((1e9, " G"), (1e6, " M")):
        if abs(value) >= scale:
            return f"{value / scale:.{digits}g}{letter}" if abs(value) < 1000 * scale else f"{value / scale:,.0f}{letter}"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def _series_color(index):
    return f"#0b0c{0 if index == 0 else 1 + (index - 1) % (PALETTE - 1):02x}"


def _style(index):
    ours = index == 0
    return {"color": _series_color(index), "marker": MARKERS[index % len(MARKERS)],
            "linestyle": DASHES[index // (PALETTE - 1) % len(DASHES)], "linewidth": 2.4 if ours else 1.2,
            "markersize": 6 if ours else 4, "zorder": 3 if ours else 2}


def _errors(points):
    """How far the interval reaches below and above, of (…, median, low, high)."""
    return [[max(median - (median if low is None else low), 0) for *_, median, low, _ in points],
            [max((median if high is None else high) - median, 0) for *_, median, _, high in points]]


def _finish(figure, key, label):
    """The figure as an svg element with ids of its own and the page's colours."""
    text = io.StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight", pad_inches=0.05, transparent=True,
                   metadata={"Date": None, "Creator": None})
    plt.close(figure)
    svg = text.getvalue()
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|"#|url\(#)', lambda match: match.group(1) + key + "-", svg)
    svg = re.sub(r"#0b0c0([0-9a-f])\b", lambda match: f"var(--series-{int(match.group(1), 16)})", svg)
    svg = svg.replace(INK, "currentColor").replace(GRID, "var(--grid)")
    label = label.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return re.sub(r'<svg ([^>]*?)width="([^"]*)pt" height="[^"]*"',
                  lambda match: f'<svg {match.group(1)}role="img" aria-label="{label}" '
                                f'style="max-width: {float(match.group(2)) * 4 / 3:.0f}px"', svg, count=1)


def _label(axis, logarithmic):
    """Readable figures at the ticks, and enough of them where an axis spans but a decade."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    if logarithmic:
        low, high = axis.get_view_interval()
        axis.set_major_locator(LogLocator(10, (1, 2, 5) if high < 50 * low else (1, 3) if high < 1000 * low else (1,)))
        axis.set_minor_formatter(NullFormatter())


def _is_wide(figures):
    """Whether they differ by more than can be seen on a linear axis."""
    positive = [figure for figure in figures if figure is not None and figure > 0]
    return len(positive) == len(figures) and len(positive) > 0 and max(positive) > 30 * min(positive)


def lines(key, title, x_label, y_label, ticks, series, wide=None):
    """ticks: (position, text); series: (index of the queue, its name, points (position, median, low, high))."""
    figure, axes = plt.subplots(figsize=(4.8, 3.6))
    if wide is None:
        wide = _is_wide([point[1] for _, _, points in series for point in points])
    if wide:
        axes.set_yscale("log")
    for index, name, points in sorted(series, key=lambda entry: -entry[2][-1][1]): # as the lines end, so the legend
        axes.errorbar([point[0] for point in points], [point[1] for point in points], yerr=_errors(points),
                      elinewidth=0.8, label=name, **_style(index))
    if not wide:
        axes.set_ylim(bottom=0)
    _label(axes.yaxis, wide)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks([position for position, _ in ticks], [text for _, text in ticks])
    axes.grid(axis="y", linewidth=0.6)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_title(title, loc="left")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return _finish(figure, key, f"Line chart: {title}; {y_label} by {x_label}. The figures are in the tables.")


def bars(key, title, x_label, rows, base=0.0):
    """rows: (whether to stress it, name, median, low, high), top down. With base 1 the axis is one of ratios: logarithmic."""
    figure, axes = plt.subplots(figsize=(4.6, 0.7 + 0.24 * len(rows)))
    places = list(range(len(rows)))[::-1]
    ends = [max(row[2:], key=lambda figure: figure if figure is not None else float("-inf")) for row in rows]
    if base == 1:
        axes.set_xscale("log")
        lowest = min([1.0] + [row[3] or row[2] for row in rows if (row[3] or row[2]) > 0])
        axes.set_xlim(lowest / 1.2, max([1.0] + ends) * (max([1.0] + ends) / lowest) ** 0.25 * 1.2)
        _label(axes.xaxis, True)
        axes.axvline(1, color=INK, linewidth=0.8)
    else:
        axes.set_xlim(0, max(ends + [1e-12]) * 1.25)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        _label(axes.xaxis, False)
    points = [row[1:] for row in rows]
    axes.barh(places, [row[2] - base for row in rows], left=base, height=0.62, xerr=_errors(points),
              color=[_series_color(0 if row[0] else PALETTE - 1) for row in rows],
              error_kw={"ecolor": INK, "elinewidth": 0.9})
    for place, row, end in zip(places, rows, ends):
        axes.annotate(number(row[2]), (max(end, base), place), xytext=(4, 0), textcoords="offset points",
                      va="center", fontsize=9)
    axes.set_yticks(places, [row[1] for row in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", linewidth=0.6)
    axes.set_xlabel(x_label)
    axes.set_title(title, loc="left")
    return _finish(figure, key, f"Bar chart: {title}; {x_label}. The figures are in the tables.")
