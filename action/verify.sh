#!/bin/bash
# Verifies the image. Each finding becomes an annotation.
set -euo pipefail
. "$(dirname "$0")/common.sh"

options=(--json)
[ "$INPUT_VERIFY" != boot ] || options+=(--boot)
code=0
diskwright verify "${options[@]}" "$IMAGE" > "$results/verify.json" || code=$?
if [ -s "$results/verify.json" ]; then node "$(dirname "$0")/annotate-findings.mjs" "$results/verify.json"; fi
[ "$code" = 0 ] || fail "$IMAGE is not sound"
echo "$IMAGE is sound"
