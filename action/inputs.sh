#!/bin/bash
# Checks the inputs before anything is installed, and outputs the paths that later steps use.
set -euo pipefail
. "$(dirname "$0")/common.sh"

input=$INPUT_DESCRIPTION$INPUT_CONTENT
[ -n "$input" ] || fail "give image-description or content"
[ -z "$INPUT_DESCRIPTION" ] || [ -z "$INPUT_CONTENT" ] || fail "give either image-description or content, not both"
[ -e "$input" ] || fail "$input: no such file or directory"
case "$INPUT_OUTPUT" in
  *.img | *.img.zst) ;;
  *) fail "output must end in .img or .img.zst, not: $INPUT_OUTPUT" ;;
esac
case "$INPUT_VERIFY" in true | boot | false) ;; *) fail "verify must be true, boot or false, not: $INPUT_VERIFY" ;; esac
case "$INPUT_BOOT" in
  '' | q35 | virt-uefi | virt | raspi3b) ;;
  *) fail "boot must be q35, virt-uefi, virt, raspi3b or empty, not: $INPUT_BOOT" ;;
esac
[[ $INPUT_BOOT_TIMEOUT =~ ^[1-9][0-9]*$ ]] || fail "boot-timeout must be a number of seconds, not: $INPUT_BOOT_TIMEOUT"
read_words "$INPUT_ARGS"
read_words "$INPUT_BOOT_ARGS"

# A tag such as "latest" is refused: the cache would return the same version for ever.
if [ -z "$INPUT_VERSION" ]; then
  cd "$GITHUB_ACTION_PATH"
  mapfile -d '' -t files < <(find package.json package-lock.json src scripts -type f -print0 | sort -z)
  key=$(hash_of "${files[@]}")
elif [[ $INPUT_VERSION == *.tgz ]]; then
  [ -f "$INPUT_VERSION" ] || fail "version: $INPUT_VERSION: no such file"
  key=$(sha256sum < "$INPUT_VERSION" | cut -d ' ' -f 1)
elif [[ $INPUT_VERSION =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
  key=$INPUT_VERSION
else
  fail "version must be like 1.2.3, or the path of a .tgz, not: $INPUT_VERSION"
fi

rm -rf "$results" "$boot_results"
mkdir -p "$results"
output tool "$tool"
output tool-key "$key"
output results "$results"
output boot-results "$boot_results"
