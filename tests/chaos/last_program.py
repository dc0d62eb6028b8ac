"""The next program: delivers what earlier ones left. Arguments: how long to wait at most, in seconds, and a run."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import caribou


def waiting() -> list[Path]:
    """Files of records in the spool that nobody has delivered, but for this program's own."""
    spool = Path(os.environ["CARIBOU_SPOOL_DIR"])
    return [path for path in spool.glob("*-*/*") if path.suffix in (".open", ".ready") or ".claimed." in path.name]


def main() -> int:
    deadline = time.monotonic() + float(sys.argv[1])
    with caribou.trace_run({"datapoint_id": "last", "phase": "eval", "run_id": sys.argv[2]}):
        pass
    while time.monotonic() < deadline:
        if caribou.flush(1.0) and not waiting():
            return 0
        time.sleep(0.05)
    print("still waiting:", *waiting(), caribou.stats(), sep="\n  ", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
