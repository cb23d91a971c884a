#!/bin/bash
# Builds the image and writes its SHA-256 beside it.
set -euo pipefail
. "$(dirname "$0")/common.sh"

# annotate: prints the errors of a build as annotations of the lines that they name
annotate() {
  local line
  while IFS= read -r line; do
    line=${line#diskwright: }
    if [[ -n $INPUT_DESCRIPTION && $line == "$INPUT_DESCRIPTION":* &&
      ${line#"$INPUT_DESCRIPTION":} =~ ^([0-9]+):([0-9]+):\ (.*)$ ]]; then
      local file
      file=$(escaped "$INPUT_DESCRIPTION")
      file=${file//:/%3A}
      echo "::error file=${file//,/%2C},line=${BASH_REMATCH[1]},col=${BASH_REMATCH[2]}::$(escaped "${BASH_REMATCH[3]}")"
    else
      echo "::error::$(escaped "$line")"
    fi
  done
}

read_words "$INPUT_ARGS"
mkdir -p "$(dirname "$INPUT_OUTPUT")"
log=$results/build.log
input=$INPUT_DESCRIPTION$INPUT_CONTENT
if ! diskwright build "$input" "${words[@]}" --force --json -o "$INPUT_OUTPUT" > "$results/build.json" 2> "$log"; then
  rm "$results/build.json"
  grep -v '^diskwright: note: ' "$log" | annotate
  exit 1
fi
cat "$log"

sha256=$(sha256sum < "$INPUT_OUTPUT" | cut -d ' ' -f 1)
echo "$sha256  $(basename "$INPUT_OUTPUT")" > "$INPUT_OUTPUT.sha256"
echo "$INPUT_OUTPUT: sha256 $sha256"
output image "$INPUT_OUTPUT"
output sha256 "$sha256"
# The key of everything that a boot depends on, including the files that its arguments name.
read_words "$INPUT_BOOT_ARGS"
files=()
for word in "${words[@]}"; do [ ! -f "$word" ] || files+=("$word"); done
key=$(printf '%s\n' "$sha256" "$INPUT_BOOT" "$INPUT_BOOT_EXPECT" "$INPUT_BOOT_ARGS" "$([ ${#files[@]} = 0 ] || hash_of "${files[@]}")" |
  sha256sum | cut -d ' ' -f 1)
output boot-key "$key"
