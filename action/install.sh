#!/bin/bash
# Installs diskwright below RUNNER_TEMP, unless it came from the cache. No package runs a script while it is installed.
set -euo pipefail
. "$(dirname "$0")/common.sh"

if [ -x "$tool/node_modules/.bin/diskwright" ]; then
  echo "diskwright $(diskwright --version) is installed"
  exit 0
fi

# pack_source: makes the package of this action's source, in a copy
pack_source() {
  local copy=$state/source path
  rm -rf "$copy"
  mkdir -p "$copy"
  (
    cd "$GITHUB_ACTION_PATH"
    for path in package.json package-lock.json tsconfig.json tsconfig.build.json README.md LICENSE CHANGELOG.md src scripts; do
      cp -R "$path" "$copy/"
    done
    cd "$copy"
    npm ci --ignore-scripts --no-audit --no-fund
    npm run build
    npm pack --ignore-scripts --pack-destination "$state"
  ) >&2
  rm -rf "$copy"
}

mkdir -p "$tool"
if [ -z "$INPUT_VERSION" ]; then
  pack_source
  package=$(echo "$state"/diskwright-*.tgz)
elif [[ $INPUT_VERSION == *.tgz ]]; then
  package=$(realpath "$INPUT_VERSION")
else
  package=diskwright@$INPUT_VERSION
fi
npm install --prefix "$tool" --ignore-scripts --omit=optional --no-audit --no-fund -- "$package"
echo "diskwright $(diskwright --version) is installed"
