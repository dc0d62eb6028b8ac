#!/usr/bin/env bash
# Runs every benchmark, keeps the figures as JSON lines and prints them as a table.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mkdir -p bench-results
figures=bench-results/latest.jsonl
: >"$figures"

run() { # TITLE COMMAND...
  printf '\n%s\n' "$1" >&2
  shift
  "$@" | tee -a "$figures" | .venv/bin/python scripts/bench_table.py
}

run 'Recording: cost of one log() against opentelemetry-python' \
  .venv/bin/python caribou/benchmarks/log_cost.py
run 'Outage: cost and memory of a program while the server is away, and what arrives afterwards' \
  .venv/bin/python caribou/benchmarks/outage.py --outage-seconds 30
run 'Ingest: durable spans per second against a bare insert; size; start; memory' \
  cargo run --quiet --release -p kestrel --example ingest_bench
run 'Reading: lists of a million rollouts' \
  .venv/bin/python caribou/benchmarks/reading.py
