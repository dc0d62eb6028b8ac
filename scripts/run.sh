#!/usr/bin/env bash
# Starts Kestrel with embedded storage, records the example agent into it, prints where to look, stays until Ctrl-C.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

listen=${KESTREL_LISTEN:-127.0.0.1:4700}
data=${KESTREL_DATA:-./kestrel-data}
export KESTREL_API_URL="http://$listen"

target/release/kestrel serve --data "$data" --listen "$listen" &
server=$!
trap 'trap - INT TERM; kill -TERM "$server" 2>/dev/null; wait "$server"; exit 0' INT TERM

ready() { python3 - "$KESTREL_API_URL/readyz" <<'PY'
import sys, urllib.request
try:
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=1)
except OSError:
    sys.exit(1)
PY
}

for _ in $(seq 150); do
  kill -0 "$server" 2>/dev/null || { wait "$server"; exit 1; }
  ready && break
  sleep 0.1
done

.venv/bin/python examples/agent/agent.py
echo 'Kestrel keeps running; stop it with Ctrl-C.'
wait "$server"
