#!/bin/bash
# Publishes what scripts/release-artifacts.mjs has made: the package to npm, with its provenance, and all files to a release
# on GitHub, with the section of CHANGELOG.md as its notes. Checks the sums first. With --dry-run nothing is published.
#
# usage: scripts/publish-release.sh [--dry-run] FOLDER
#
# npm trusts the workflow (trusted publishing); on GitHub, GH_TOKEN has to be set.
set -euo pipefail

dry_run=''
if [ "${1:-}" = --dry-run ]; then
  dry_run=1
  shift
fi
files=$(realpath "${1:?usage: scripts/publish-release.sh [--dry-run] FOLDER}")
cd "$(dirname "$0")/.."
version=$(node --print 'require("./package.json").version')
package=$files/diskwright-$version.tgz
(cd "$files" && sha256sum --check --strict --quiet SHA256SUMS)
notes=$(mktemp)
trap 'rm -f "$notes"' EXIT
node scripts/check-release.mjs "v$version" > "$notes"

# A version with a suffix, such as 1.0.0-rc.1, is not what `npm install diskwright` installs.
tag=latest
prerelease=''
case "$version" in
  *-*)
    tag=next
    prerelease=--prerelease
    ;;
esac

if [ -n "$dry_run" ]; then
  npm publish "$package" --dry-run --ignore-scripts --access public --tag "$tag"
  echo "would publish these files, with the notes:"
  ls "$files"
  cat "$notes"
  exit 0
fi
npm publish "$package" --provenance --ignore-scripts --access public --tag "$tag"
# shellcheck disable=SC2086 # one option or none
gh release create "v$version" --verify-tag --title "diskwright $version" --notes-file "$notes" $prerelease "$files"/*
