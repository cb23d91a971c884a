#!/bin/bash
# Sourced by the steps of action.yml. Inputs are passed in the environment, since the shell would run text in a script.
# shellcheck disable=SC2034 # variables are used by those who source this

# RUNNER_TEMP is empty when a job starts. Each use of the action in a job replaces the results of the previous one.
state=$RUNNER_TEMP/diskwright
tool=$state/tool
results=$state/results
boot_results=$state/boot

# escaped TEXT: escapes it for workflow commands
escaped() {
  local text=${1//'%'/'%25'}
  text=${text//$'\r'/'%0D'}
  echo -n "${text//$'\n'/'%0A'}"
}

fail() {
  echo "::error::$(escaped "$*")"
  exit 1
}

# output NAME VALUE
output() {
  [[ $2 != *$'\n'* ]] || fail "$1 has more than one line"
  echo "$1=$2" >> "$GITHUB_OUTPUT"
}

# read_words TEXT: splits it into the array $words. Quotes and backslashes are those of xargs; nothing is expanded.
read_words() {
  local file
  file=$(mktemp)
  printf '%s' "$1" | xargs -r printf '%s\0' > "$file" || fail "cannot be split into arguments: $1"
  mapfile -d '' -t words < "$file"
  rm "$file"
}

# hash_of FILE... prints one SHA-256 of the names and bytes of files
hash_of() {
  sha256sum -- "$@" | sha256sum | cut -d ' ' -f 1
}

diskwright() {
  "$tool/node_modules/.bin/diskwright" "$@"
}
