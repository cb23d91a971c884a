#!/bin/bash
# Makes a tree of Nixpkgs that the tests evaluate with, from a clone of a public import of it that is small enough to
# have: neg-serg/nixpkgs-slim, whose first commit has all of Nixpkgs 26.11pre. Three things in it are mended:
# - its list of NixOS modules has most of them commented out,
# - the list of GNOME extensions and that of R packages are missing: they become empty,
# - the list of Haskell packages is missing: it becomes empty, and shellcheck (which writeShellApplication asks for) and nixfmt
#   become stand-ins that find no fault.
#
# usage: bash scripts/make-nixpkgs-tree.sh CLONE TREE
# and then: DISKWRIGHT_NIXPKGS=TREE npx vitest run --project judged test/nix
set -euo pipefail
commit=7beb50e7ff79da548c79762c9130477208787e96

[ $# -eq 2 ] || { echo "usage: make-nixpkgs-tree.sh CLONE TREE" >&2; exit 2; }
clone=$(git -C "$1" rev-parse --absolute-git-dir)
tree=$2
[ ! -e "$tree" ] || { echo "make-nixpkgs-tree: $tree exists" >&2; exit 1; }

missing=(
  pkgs/desktops/gnome/extensions/extensions.json
  pkgs/development/r-modules/cran-packages.json
  pkgs/development/haskell-modules/hackage-packages.nix
)
work=$tree.part
rm -rf "$work"
mkdir -p "$work"
git --git-dir="$clone" archive "$commit" -- "${missing[@]/#/:(exclude)}" | tar -x -C "$work"

sed -i 's,^\( *\)#\(\./\),\1\2,' "$work/nixos/modules/module-list.nix"
echo '{ }' | tee "$work/${missing[0]}" > "$work/${missing[1]}"
echo '{ ... }: self: { }' > "$work/${missing[2]}"

sed -i -e '/^  shellcheck = callPackage/,/^  };/c\  shellcheck = callPackage ../development/tools/shellcheck { };' \
  -e 's,^  shellcheck-minimal = .*,  shellcheck-minimal = shellcheck;,' "$work/pkgs/top-level/all-packages.nix"
stand_in() {
  cat << NIX
# A stand-in that finds no fault.
{ writeShellScriptBin }:
writeShellScriptBin "$1" "exit 0" // { compiler.bootstrapAvailable = true; }
NIX
}
stand_in shellcheck > "$work/pkgs/development/tools/shellcheck/default.nix"
stand_in nixfmt > "$work/pkgs/by-name/ni/nixfmt/package.nix"
mv "$work" "$tree"
