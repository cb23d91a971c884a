#!/bin/bash
# Sourced by scripts that install packages of the machine's release. A package that cannot be installed is reported: the
# tests that need it are skipped with a notice, and with CI set it is an error.

complain() {
  echo "*** $(basename "$0" .sh): $* ***" >&2
  case "${CI:-}" in '' | 0 | false) exit 0 ;; *) exit 1 ;; esac
}

# missing_packages LIST
# A line of LIST is a tool, or a file where there is no tool, and the package that has it.
missing_packages() {
  local tool package
  while read -r tool package; do
    command -v "$tool" > /dev/null || [ -e "$tool" ] || echo "$package"
  done <<< "$1" | sort -u
}

# install_packages LIST
install_packages() (
  missing=$(missing_packages "$1" | tr '\n' ' ')
  [ -n "${missing// /}" ] || exit 0
  command -v apt-get > /dev/null || complain "there is no apt-get to install: $missing"
  [ "$(id -u)" = 0 ] || complain "it takes root to install: $missing"
  echo "$(basename "$0" .sh): installing these packages of the system, as root (JUDGES=none leaves them out): $missing" >&2
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 # one word a package
  { apt-get update -qq &&
    apt-get install -o DPkg::Lock::Timeout=300 -y -qq --no-install-recommends $missing > /dev/null; } ||
    complain "apt-get could not install: $missing"
  missing=$(missing_packages "$1" | tr '\n' ' ')
  [ -z "${missing// /}" ] || complain "still missing: $missing"
)
