#!/bin/bash
# Boots the image in QEMU. Only the results of a successful boot are kept in the cache.
set -euo pipefail
. "$(dirname "$0")/common.sh"

read_words "$INPUT_BOOT_ARGS"
options=(--machine "$INPUT_BOOT" --timeout "$INPUT_BOOT_TIMEOUT" --json)
[ -z "$INPUT_BOOT_EXPECT" ] || options+=(--expect "$INPUT_BOOT_EXPECT")
work=$(mktemp -d)
code=0
diskwright boot "$IMAGE" "${options[@]}" "${words[@]}" > "$work/boot.json" 2> >(tee "$work/console.log" >&2) || code=$?
if [ "$code" != 0 ]; then
  mv "$work/console.log" "$results/"
  fail "$IMAGE did not boot on $INPUT_BOOT: $(grep '^diskwright: ' "$results/console.log" | tail -n 1)"
fi
mkdir -p "$boot_results"
mv "$work/boot.json" "$work/console.log" "$boot_results/"
