"""Reads figures as JSON lines from standard input and prints them as a table.

A figure is `{"name", "value", "unit", "peer"?, "peer_value"?, "ratio"?, "budget"?, "met"?}`; value and ratio of several
rounds come with the lowest and highest of them, as `value_spread` and `ratio_spread`.
"""

from __future__ import annotations

import json
import sys


def text_of(value: object) -> str:
    """A cell: numbers with three significant digits, nothing for what is absent."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


def with_spread(figure: dict[str, object], key: str) -> str:
    """A cell: the number and, in brackets, the lowest and highest of the rounds."""
    spread = figure.get(f"{key}_spread")
    if not isinstance(spread, list):
        return text_of(figure.get(key))
    return f"{text_of(figure.get(key))} ({text_of(spread[0])}–{text_of(spread[1])})"


def main() -> None:
    """Prints one row a figure; lines that are not figures pass through."""
    rows = []
    for line in sys.stdin:
        try:
            figure = json.loads(line)
        except json.JSONDecodeError:
            print(line, end="")
            continue
        peer = f"{figure['peer']}: {text_of(figure.get('peer_value'))}" if figure.get("peer") else ""
        value = f"{with_spread(figure, 'value')} {figure.get('unit', '')}"
        rest = (with_spread(figure, "ratio"), *(text_of(figure.get(key)) for key in ("budget", "met")))
        rows.append([figure["name"], value, peer, *rest])
    table = [["figure", "value", "peer", "ratio", "budget", "met"], *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


if __name__ == "__main__":
    main()
