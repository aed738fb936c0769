#!/bin/sh
# Fetch the pinned uPlot release with npm, check its hashes and put it where the report inlines it from.
# To move to another version: change VERSION and SHA256SUMS, run this, look at a report.
set -eu

VERSION=1.6.32
SHA256SUMS='19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f  uPlot.iife.min.js
df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04  uPlot.min.css'

vendor=$(cd "$(dirname "$0")/.." && pwd)/src/backsight/reporting/vendor
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cd "$scratch"
npm pack --silent "uplot@$VERSION" >/dev/null
tar -xzf "uplot-$VERSION.tgz"
cd package/dist
echo "$SHA256SUMS" | sha256sum --check --strict

cp uPlot.iife.min.js uPlot.min.css "$vendor/"
cp ../LICENSE "$vendor/uPlot.LICENSE"
printf 'uPlot %s, MIT licence (uPlot.LICENSE), from the npm package `uplot`.\nRefreshed by scripts/vendor_uplot.sh. SHA-256:\n\n%s\n' \
  "$VERSION" "$(echo "$SHA256SUMS" | sed 's/^/    /')" > "$vendor/README.md"
