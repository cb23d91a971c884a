#!/bin/bash
# Gets what the boot tests need, once: QEMU with its UEFI firmware and a cross compiler (installed), and in .cache/boot/
# U-Boot, built from Debian's sources, and unpacked from Debian's packages for arm64 and amd64 a kernel, busybox,
# btrfs-progs, systemd-boot and GRUB, and a newer systemd and Nix for arm64. Does nothing when all is there.
# Without root or apt it says what is missing; the tests that need it are then skipped, loudly. With CI set what
# is missing is an error.
#
# Two U-Boots, because what they can read differs (docs/how-to/booting.md): the one of NEW_SUITE, and an old one.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
boot=$repository/.cache/boot
. scripts/install-packages.sh
. scripts/private-apt.sh
. scripts/boot-userland.sh

NEW_SUITE=trixie NEW_VERSION=2025.01
OLD_SUITE=bookworm OLD_VERSION=2023.01

# A tool of each package, and the package. Headers have no tool, so a file stands for them.
tools='qemu-system-aarch64 qemu-system-arm
qemu-system-x86_64 qemu-system-x86
qemu-img qemu-utils
/usr/share/AAVMF/AAVMF_CODE.fd qemu-efi-aarch64
/usr/share/OVMF/OVMF_CODE_4M.fd ovmf
/usr/lib/u-boot/qemu_arm64/u-boot.bin u-boot-qemu
mmdebstrap mmdebstrap
newuidmap uidmap
aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
gcc gcc
make make
bison bison
flex flex
bc bc
python3 python3
bzip2 bzip2
xz xz-utils
/usr/include/openssl/evp.h libssl-dev
/usr/include/stdio.h libc6-dev'

# unpack_source SUITE VERSION DIRECTORY
# Debian's patches are left out: they serve other boards. The .dsc is not always served, the rest is.
unpack_source() (
  suite=$1 version=$2 directory=$3
  private_apt_setup "$directory/apt" "$(dpkg --print-architecture)" "$suite"
  (cd "$directory" && apt-get source -qq --download-only u-boot) > "$directory/apt.log" 2>&1 || true
  set -- "$directory"/u-boot_"$version"*.orig.tar.*[2z]
  [ -e "$1" ] || complain "the source of U-Boot $version did not download: $(tail -n2 "$directory/apt.log")"
  mkdir "$directory/source"
  tar -xf "$1" -C "$directory/source" --strip-components=1
)

# compile CONFIG TARGET OUTPUT CROSS_COMPILE SETTING...
# In the source that lies in $work; what is there already is not made again.
compile() (
  config=$1 target=$2 output=$made/$3
  [ ! -e "$output" ] || exit 0
  export CROSS_COMPILE=$4 SOURCE_DATE_EPOCH=1700000000 NO_SDL=1
  shift 4
  cd "$work/source"
  # Without bindings for Python, which no target here uses and which take more packages.
  {
    make -s "$config" && ./scripts/config "$@" && make -s olddefconfig &&
      nice -n 10 make -s -j2 CONFIG_PYLIBFDT= "$target"
  } > build.log 2>&1 || { tail -n 20 build.log >&2; exit 1; }
  cp "$target" "$output.partial" && mv "$output.partial" "$output"
)

# BTRFS brings ZSTD and LZO with it.
btrfs='--enable CMD_BTRFS'
# Without what needs libraries that a reader of files does not.
lean='--enable CMD_POWEROFF --disable SANDBOX_SDL --disable UNIT_TEST --disable EFI_LOADER
  --disable TOOLS_MKEFICAPSULE --disable CMD_UPL --disable CLK_K210 --disable CLK_K210_SET_RATE
  --disable PINCTRL_K210'

# Called where errors do not end the script, so each step says what comes of it.
# shellcheck disable=SC2086 # one word a setting
compile_all() {
  local arm=aarch64-linux-gnu-
  compile qemu_arm64_defconfig u-boot.bin virt.bin $arm $btrfs &&
    compile rpi_3_defconfig u-boot.bin raspi3b.bin $arm $btrfs &&
    compile sandbox_defconfig u-boot sandbox '' $btrfs $lean || return
  [ "$name" = old ] || return 0
  # Before there was standard boot, where boot files are looked for was compiled in.
  sed -i 's,"boot_prefixes=/ /boot/,& /@boot/,' "$work/source/include/config_distro_bootcmd.h" &&
    compile qemu_arm64_defconfig u-boot.bin virt-prefixes.bin $arm $btrfs &&
    compile rpi_3_defconfig u-boot.bin raspi3b-prefixes.bin $arm $btrfs
}

# build_u_boot NAME SUITE VERSION
build_u_boot() (
  name=$1 suite=$2 version=$3
  made=$boot/u-boot/$name
  [ ! -e "$made/complete" ] || exit 0
  for tool in apt-get aarch64-linux-gnu-gcc bison flex; do
    command -v "$tool" > /dev/null || complain "there is no $tool to build U-Boot $version with"
  done
  echo "building U-Boot $version for raspi3b, virt and sandbox (some minutes)" >&2
  mkdir -p "$made"
  work=$(mktemp -d "$boot/build-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  PRIVATE_APT_SOURCES=1 unpack_source "$suite" "$version" "$work"
  [ -d "$work/source" ] || exit 0
  compile_all || complain "U-Boot $version did not compile"
  echo "$version" > "$made/complete"
)

# What runs inside: a static busybox, and what grows a partition and its file system, with the libraries that takes; and
# what boots: systemd-boot, and GRUB's modules.
inside='busybox-static btrfs-progs fdisk util-linux libblkid1 libc6 libcom-err2 libext2fs2 libfdisk1 liblzo2-2
  libmount1 libncursesw6 libpcre2-8-0 libreadline8 libselinux1 libsmartcols1 libtinfo6 libudev1 libuuid1 libzstd1
  zlib1g systemd-boot-efi'

# unpack NAME ARCHITECTURE KERNEL PACKAGE...
# KERNEL is a package that depends on the current kernel; without one there is none.
unpack() (
  name=$1 architecture=$2 kernel=$3 made=$boot/$1
  shift 3
  wanted="$kernel $*"
  if [ -e "$made/complete" ] && [ "$(cat "$made/packages" 2> /dev/null)" = "$wanted" ]; then exit 0; fi
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null ||
    complain "there is no apt-get to download the packages of $name with"
  echo "unpacking the packages of $name" >&2
  mkdir -p "$boot"
  work=$(mktemp -d "$boot/$name-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  # This release's kernel: the next one's is so large that U-Boot 2025.01 loads the device tree over it on raspi3b.
  private_apt_setup "$work/apt" "$architecture" "$OLD_SUITE"
  mkdir "$work/unpacked"
  if [ -n "$kernel" ]; then
    image=$(apt-cache depends "$kernel" | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p')
    [ -n "$image" ] || complain "no kernel on offer for $architecture"
    set -- "$image" "$@"
  fi
  (cd "$work" && apt-get download -qq "$@") || complain "the packages of $name did not download"
  for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/unpacked"; done
  echo "$wanted" > "$work/unpacked/packages"
  echo "${image:+${image#linux-image-}}" > "$work/unpacked/complete"
  rm -rf "$made"
  mv "$work/unpacked" "$made"
)

install_packages "$tools"
# shellcheck disable=SC2086 # one word a package
unpack arm64 arm64 linux-image-arm64 $inside grub-efi-arm64-bin
# The kernel for virtual machines has a third of the modules.
# shellcheck disable=SC2086 # one word a package
unpack amd64 amd64 linux-image-cloud-amd64 $inside grub-efi-amd64-bin
# grub-mkimage is not installed: its package is for machines that boot with GRUB.
unpack grub "$(dpkg --print-architecture)" '' grub-common libdevmapper1.02.1
unpack_userland "$boot/userland" "$NEW_SUITE"
build_u_boot new "$NEW_SUITE" "$NEW_VERSION"
build_u_boot old "$OLD_SUITE" "$OLD_VERSION"
