"""Plots as SVG, written by hand: bars by workload, lines by size."""

from xml.sax.saxutils import escape

import stats

COLOURS = ("#2f6f9f", "#c26a2d", "#4d8b50", "#8a5a9e", "#a33b4b", "#6b6b6b")
FONT = "font-family='sans-serif' font-size='12'"
WIDTH = 760
LEFT = 210
RIGHT = 110
ROW = 17
GAP = 9
TOP = 64


def tag(name, text=None, **attributes):
    """One element; a _ in a name of an attribute is a dash."""
    inside = "".join(f" {key.replace('_', '-')}='{escape(str(value))}'"
                     for key, value in attributes.items())
    if text is None:
        return f"<{name}{inside}/>"
    return f"<{name}{inside}>{escape(text)}</{name}>"


def page(height, title, elements):
    return "\n".join([
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}'"
        f" height='{height}' viewBox='0 0 {WIDTH} {height}' {FONT}>",
        tag("rect", width=WIDTH, height=height, fill="white"),
        tag("text", title, x=16, y=24, font_size=15, font_weight="bold"),
        *elements, "</svg>"]) + "\n"


def legend(names):
    """One colour for each, in one line."""
    x = 16
    for name, colour in zip(names, COLOURS):
        yield tag("rect", x=x, y=38, width=11, height=11, fill=colour)
        yield tag("text", name, x=x + 16, y=48)
        x += 34 + 7 * len(name)


def shown(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def bars(title, groups):
    """groups is {label: {series: value}}; a bar for each value that is
    known, as long as it is of the greatest."""
    series = list(dict.fromkeys(name for values in groups.values()
                                for name in values))
    most = max((value for values in groups.values()
                for value in values.values() if value), default=1)
    elements, y = list(legend(series)), TOP
    for label, values in groups.items():
        known = [(name, value) for name, value in values.items()
                 if value is not None]
        middle = y + len(known) * ROW / 2 + 4
        elements.append(tag("text", label, x=LEFT - 8, y=f"{middle:.0f}",
                            text_anchor="end"))
        for name, value in known:
            length = value / most * (WIDTH - LEFT - RIGHT)
            colour = COLOURS[series.index(name) % len(COLOURS)]
            elements.append(tag("rect", x=LEFT, y=y, height=ROW - 3,
                                width=f"{max(1, length):.1f}", fill=colour))
            elements.append(tag("text", shown(value), y=y + ROW - 6,
                                x=f"{LEFT + length + 5:.1f}"))
            y += ROW
        y += GAP
    return page(y + 8, title, elements)


def requests_per_second(results, backend):
    groups = {}
    for row in results.summaries():
        if row["backend"] == backend and not row["workload"].startswith(
                ("list-1000", "sign-in")):
            label = f"{row['workload']}, {row['connections']} connections"
            groups.setdefault(label, {})[row["server"]] = row["rps"]
    return bars(f"Requests each second ({backend})", groups)


def cost(results, backend):
    groups = {}
    for row in results.summaries():
        if row["backend"] != backend or row["workload"] == "sign-in":
            continue
        if row["workload"] == "list-10000":
            continue
        label = f"{row['workload']}, {row['connections']} connections"
        values = groups.setdefault(label, {})
        values[row["server"]] = row["cpu_us"]
        if row["database_cpu_us"] is not None:
            values[f"{row['server']}: database"] = row["database_cpu_us"]
    return bars(f"Processor time of a request, µs ({backend})", groups)


def growth(results):
    groups = {}
    samples = stats.grouped(results.kinds["growth"], "workload", "backend",
                            "tasks")
    for (workload, backend, tasks), group in samples.items():
        total = group[0]["cpu_us"] + (group[0]["database_cpu_us"] or 0)
        groups.setdefault(f"{workload}, {tasks:,} tasks", {})[backend] = total
    return bars("Processor time of a request, database included, µs", groups)


def all_of(results):
    """{name: SVG} of what there are numbers for."""
    found = {}
    for backend in dict.fromkeys(s["backend"]
                                 for s in results.kinds["samples"]):
        found[f"requests-{backend}"] = requests_per_second(results, backend)
        found[f"cost-{backend}"] = cost(results, backend)
    if results.kinds["growth"]:
        found["growth"] = growth(results)
    return found
