#!/bin/bash
# Downloads what the demo's bootable image is made of: Debian's kernel for virtual machines, busybox and systemd-boot.
# Takes apt-get, but neither root nor a change of the machine: packages are unpacked to a folder.
#
# usage: demo-ingredients.sh amd64|arm64 FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/private-apt.sh

architecture=$1 made=$2
# A release whose kernel has modules that are not compressed: busybox loads them.
suite=bookworm

complain() {
  echo "$*" >&2
  exit 1
}

for tool in apt-get dpkg-deb; do command -v $tool > /dev/null || complain "there is no $tool to download them with"; done
mkdir -p "$(dirname "$made")"
work=$(mktemp -d "$made-XXXXXX")
trap 'rm -rf "$work"' EXIT
private_apt_setup "$work/apt" "$architecture" "$suite" > "$work/log" 2>&1 || complain "apt-get has no source of Debian's packages"
image=$(apt-cache depends "linux-image-cloud-$architecture" 2> /dev/null | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p')
[ -n "$image" ] || complain "the packages of Debian $suite cannot be reached"
mkdir "$work/unpacked"
(cd "$work" && apt-get download -qq "$image" busybox-static systemd-boot-efi) >> "$work/log" 2>&1 ||
  complain "the packages did not download: $(tail -n 1 "$work/log")"
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/unpacked"; done
echo "${image#linux-image-}" > "$work/unpacked/complete"
rm -rf "$made"
mv "$work/unpacked" "$made"
