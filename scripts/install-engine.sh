#!/usr/bin/env bash
# Puts the pinned engine library (libchdb.so) into the user's cache folder, where Kestrel looks for it.
# Does nothing when it is already there. Safe to run several times at once.
set -euo pipefail

fail() {
  printf 'install-engine: %s\n' "$*" >&2
  exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pin="$here/../crates/kestrel-engine/library.pin"
pinned() { sed -n "s/^$1 //p" "$pin"; }

package=$(pinned package)
version=$(pinned version)
integrity=$(pinned integrity)
folder="${XDG_CACHE_HOME:-$HOME/.cache}/kestrel/engine/$version"
library="$folder/libchdb.so"

if [ -s "$library" ]; then
  exit 0
fi

platform="$(uname -s)-$(uname -m)"
if [ "$platform" != Linux-x86_64 ]; then
  fail "there is no pinned engine library for $platform; set CLICKHOUSE_URL to use a ClickHouse server instead"
fi
for tool in npm openssl tar flock; do
  command -v "$tool" >/dev/null || fail "$tool is needed to fetch the engine library; install it and run this again"
done

mkdir -p "$folder"
exec 9>"$folder/.lock"
# A second run waits here for the first and then finds the library.
flock 9
if [ -s "$library" ]; then
  exit 0
fi

# Inside the target folder, so that the final move is a rename. Left-overs of killed runs go first: we hold the lock.
rm -rf "$folder"/.unpack.*
work=$(mktemp -d "$folder/.unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT

printf 'install-engine: fetching %s %s\n' "$package" "$version" >&2
# From the work folder, so that no package.json or .npmrc of a project takes part.
(cd "$work" && npm pack --silent --ignore-scripts "$package@$version" >/dev/null) ||
  fail "npm could not fetch $package@$version; check the network and npm's registry setting"

archive=("$work"/*.tgz)
actual="sha512-$(openssl dgst -sha512 -binary "${archive[0]}" | openssl base64 -A)"
[ "$actual" = "$integrity" ] || fail "the fetched package has the hash $actual, expected $integrity"

tar -xzf "${archive[0]}" -C "$work" --no-same-owner
unpacked=$(find "$work" -name libchdb.so -type f | head -n 1)
[ -n "$unpacked" ] || fail "the package $package@$version holds no libchdb.so"
chmod 755 "$unpacked"
sync "$unpacked"
mv "$unpacked" "$library"
printf 'install-engine: %s\n' "$library" >&2
