#!/bin/bash
# Installs QEMU and the firmware of the machine if they are missing. This is the only step that may use root.
set -euo pipefail
. "$(dirname "$0")/common.sh"

case "$INPUT_BOOT" in
  q35) tools=(qemu-system-x86_64 qemu-img) packages=(qemu-system-x86 ovmf qemu-utils) ;;
  *) tools=(qemu-system-aarch64 qemu-img) packages=(qemu-system-arm qemu-efi-aarch64 qemu-utils) ;;
esac
missing=()
for name in "${tools[@]}"; do command -v "$name" > /dev/null || missing+=("$name"); done
if [ ${#missing[@]} = 0 ]; then
  echo "QEMU is installed"
  exit 0
fi
command -v apt-get > /dev/null || fail "${missing[*]}: not installed, and there is no apt-get to install them"
as_root=()
if [ "$(id -u)" != 0 ]; then
  sudo -n true 2> /dev/null || fail "${missing[*]}: not installed; install these packages in the container: ${packages[*]}"
  as_root=(sudo -n)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}"
