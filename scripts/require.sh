#!/usr/bin/env bash
# Says at once what is missing on this machine and how to get it. Usage: require.sh build|test
set -u

missing=0
need() { # COMMAND WHAT HOW
  command -v "$1" >/dev/null 2>&1 && return
  printf '%s is missing: %s\n' "$2" "$3" >&2
  missing=1
}

at_least() { # ACTUAL WANTED
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

version_of() { "$@" 2>/dev/null | grep -oE '[0-9]+\.[0-9]+' | head -n 1; }

need cargo Rust 'install a toolchain with rustup (stable, 1.90 or newer)'
need cc 'A C compiler' 'on Debian: apt-get install build-essential'
need python3 Python 'install Python 3.9 or newer with venv (on Debian: apt-get install python3 python3-venv)'
need node Node 'install Node 20.19 or newer'
need npm npm 'it comes with Node 20.19 or newer'
need openssl OpenSSL 'on Debian: apt-get install openssl'

if [ "$missing" = 0 ]; then
  at_least "$(version_of rustc --version)" 1.90 || { echo 'Rust is too old: rustup update stable (1.90 or newer)' >&2; missing=1; }
  at_least "$(version_of python3 --version)" 3.9 || { echo 'Python is too old: 3.9 or newer is needed' >&2; missing=1; }
  at_least "$(version_of node --version)" 20.19 || { echo 'Node is too old: 20.19 or newer is needed' >&2; missing=1; }
  python3 -c 'import venv, ensurepip' 2>/dev/null || { echo 'Python has no venv: on Debian apt-get install python3-venv' >&2; missing=1; }
fi

if [ "${1:-build}" = test ] && [ ! -x "${CHROMIUM:-/usr/bin/chromium}" ]; then
  echo 'Chromium is missing: on Debian apt-get install chromium; elsewhere set CHROMIUM to its path' >&2
  missing=1
fi

exit "$missing"
