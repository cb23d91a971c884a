#!/bin/bash
# Builds, verifies and boots a disk image, and checks that it is reproducible: for any CI that runs a script.
#
# usage: build-image.sh INPUT IMAGE [MACHINE EXPECTED-TEXT]
#
# INPUT is a description or content. Beside IMAGE there are then IMAGE.sha256, and IMAGE.json with the results.
set -euo pipefail

input=$1 image=$2 machine=${3:-} expected=${4:-}
mkdir -p "$(dirname "$image")"
diskwright build "$input" --force --json -o "$image" > "$image.json"
(cd "$(dirname "$image")" && sha256sum "$(basename "$image")" > "$(basename "$image").sha256")
diskwright verify "$image"

again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT
diskwright build "$input" --quiet -o "$again/$(basename "$image")"
cmp "$image" "$again/$(basename "$image")"

if [ -n "$machine" ]; then
  diskwright boot "$image" --machine "$machine" --expect "$expected" --timeout 600
fi
