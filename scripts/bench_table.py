"""Reads figures as JSON lines from standard input and prints them as a table.

A figure is `{"name", "value", "unit", "peer"?, "peer_value"?, "ratio"?, "budget"?, "met"?}`.
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
        value = f"{text_of(figure['value'])} {figure.get('unit', '')}"
        rows.append([figure["name"], value, peer, *(text_of(figure.get(key)) for key in ("ratio", "budget", "met"))])
    table = [["figure", "value", "peer", "ratio", "budget", "met"], *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


if __name__ == "__main__":
    main()
