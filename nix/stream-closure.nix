# A command that writes a system's closure to standard output, as a tar archive that depends on nothing but the
# closure: its store paths in the order of their names, and the registration of all of them for Nix's database.
{
  lib,
  closureInfo,
  gnutar,
  writeShellScript,
}:
{ rootPaths }:
let
  closure = closureInfo { inherit rootPaths; };
in
# - Who owns the files here, and since when, is the builder's business: root and the store's time, 1.
# - Whether equal files are hard links depends on what the store's optimiser has seen: every file is written in full.
#   (diskwright stores equal content once, anyway.)
# - GNU's format has no times of access and change.
writeShellScript "stream-closure" ''
  set -euo pipefail
  export LC_ALL=C
  list=$(mktemp)
  trap 'rm -f "$list"' EXIT
  sed 's,^/,,' ${closure}/store-paths | sort > "$list"
  ${lib.getExe gnutar} --create --format=gnu --sort=name --hard-dereference \
    --numeric-owner --owner=0 --group=0 --mtime=@1 \
    --no-recursion --transform='s,^registration$,nix-path-registration,' \
    --directory=${closure} registration \
    --recursion --directory=/ --verbatim-files-from --files-from="$list"
''
