#!/bin/bash
# Installs the programs that judge our images in the tests: those of the machine's Debian release, and the newest
# btrfs-progs of its backports, unpacked to .cache/judges/ beside the installed one. GRUB's grub-fstest is unpacked there
# as well, as its package is for machines that boot with GRUB, and so are the test images of btrfs-progs. Packages of npm
# go to .cache/judges/npm/. Does nothing when everything is there. Without root or apt it reports what is missing, and the tests that need it are skipped with
# a notice. With CI set a missing judge is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
repository=$PWD
backports=$repository/.cache/judges/btrfs-progs
grub=$repository/.cache/judges/grub
uml=$repository/.cache/judges/uml
bootctl=$repository/.cache/judges/bootctl
images=$repository/.cache/judges/btrfs-images
npm=$repository/.cache/judges/npm
. scripts/install-packages.sh
. scripts/private-apt.sh

if [ "${JUDGES:-}" = none ]; then
  echo "install-judges: JUDGES=none: no package is installed; tests whose judges are missing are skipped" >&2
  exit 0
fi

# Newer releases have it in a package of its own.
repart=systemd
! apt-cache show systemd-repart > /dev/null 2>&1 || repart=systemd-repart

# A tool of each package, and the package.
judges="systemd-repart $repart
btrfs btrfs-progs
fsck.fat dosfstools
mcopy mtools
sfdisk fdisk
sgdisk gdisk
parted parted
mkimage u-boot-tools
insmod kmod
zstd zstd
e2fsck e2fsprogs
getfattr attr
mtree mtree-netbsd
python3 python3
losetup mount
mount mount
dmesg util-linux
tar tar
bsdtar libarchive-tools
xz xz-utils
bzip2 bzip2
lz4 lz4
setfacl acl
compsize btrfs-compsize
chromium chromium
nix-instantiate nix-bin
umoci umoci
skopeo skopeo
mmdebstrap mmdebstrap
genimage genimage
shellcheck shellcheck
git git
mandoc mandoc
man man-db
zsh zsh
fish fish"

# The backports' programs run with the release's libraries, as the packages' dependencies promise.
unpack_backports_btrfs() (
  [ ! -x "$backports/bin/btrfs" ] || exit 0
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null ||
    complain "there is no apt-get to download the backports' btrfs-progs with"
  echo "unpacking the newest btrfs-progs of the release and its backports" >&2
  mkdir -p "$repository/.cache/judges"
  work=$(mktemp -d "$repository/.cache/judges/apt-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  architecture=$(dpkg --print-architecture)
  private_apt_setup "$work/apt" "$architecture" '' -backports
  version=$(apt-cache madison btrfs-progs | cut -d'|' -f2 | tr -d ' ' | sort -V | tail -n1)
  [ -n "$version" ] || complain "no btrfs-progs on offer"
  (cd "$work" && apt-get download -qq "btrfs-progs=$version") || complain "btrfs-progs $version did not download"
  dpkg-deb -x "$work"/btrfs-progs_*.deb "$work/unpacked"
  # Since the merge of /usr, packages may have their programs in either place.
  if [ ! -e "$work/unpacked/bin/btrfs" ]; then
    cp -a "$work/unpacked/usr/bin" "$work/unpacked/usr/sbin" "$work/unpacked/"
  fi
  "$work/unpacked/bin/btrfs" --version > /dev/null || complain "btrfs-progs $version does not run here"
  rm -rf "$backports"
  mv "$work/unpacked" "$backports"
)

# With the one library of its own that a machine may lack.
unpack_grub() (
  [ ! -x "$grub/bin/grub-fstest" ] || exit 0
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null ||
    complain "there is no apt-get to download grub-common with"
  echo "unpacking grub-fstest" >&2
  mkdir -p "$repository/.cache/judges"
  work=$(mktemp -d "$repository/.cache/judges/apt-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  private_apt_setup "$work/apt" "$(dpkg --print-architecture)" ''
  (cd "$work" && apt-get download -qq grub-common libdevmapper1.02.1) || complain "grub-common did not download"
  for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/unpacked"; done
  mkdir -p "$work/grub/bin" "$work/grub/lib"
  cp "$work/unpacked/usr/bin/grub-fstest" "$work/grub/bin/"
  find "$work/unpacked" -name 'libdevmapper.so*' -exec cp {} "$work/grub/lib/" \;
  LD_LIBRARY_PATH="$work/grub/lib" "$work/grub/bin/grub-fstest" --version > /dev/null ||
    complain "grub-fstest does not run here"
  rm -rf "$grub"
  mv "$work/grub" "$grub"
)

# Its package would install a boot loader. The library it needs comes with systemd, of the same version.
unpack_bootctl() (
  [ ! -x "$bootctl/bootctl" ] || exit 0
  command -v bootctl > /dev/null && exit 0
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null ||
    complain "there is no apt-get to download bootctl with"
  echo "unpacking bootctl" >&2
  mkdir -p "$repository/.cache/judges"
  work=$(mktemp -d "$repository/.cache/judges/apt-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  private_apt_setup "$work/apt" "$(dpkg --print-architecture)" ''
  package=systemd-boot
  ! apt-cache show systemd-boot-tools > /dev/null 2>&1 || package=systemd-boot-tools
  version=$(dpkg-query -W -f '${Version}' systemd 2> /dev/null || true)
  (cd "$work" && { apt-get download -qq "$package=$version" 2> /dev/null || apt-get download -qq "$package"; }) ||
    complain "$package did not download"
  dpkg-deb -x "$work/$package"_*.deb "$work/unpacked"
  "$work/unpacked/usr/bin/bootctl" --version > /dev/null || complain "bootctl does not run here"
  mkdir "$work/bootctl"
  mv "$work/unpacked/usr/bin/bootctl" "$work/bootctl/"
  rm -rf "$bootctl"
  mv "$work/bootctl" "$bootctl"
)

# A Linux kernel that is a program: it has the partition parsers and file systems that the machine's own may lack.
unpack_uml() (
  [ ! -x "$uml/linux" ] || exit 0
  [ "$(dpkg --print-architecture)" = amd64 ] || exit 0
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null ||
    complain "there is no apt-get to download user-mode-linux with"
  echo "unpacking User Mode Linux" >&2
  mkdir -p "$repository/.cache/judges"
  work=$(mktemp -d "$repository/.cache/judges/apt-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  private_apt_setup "$work/apt" amd64 ''
  (cd "$work" && apt-get download -qq user-mode-linux) || complain "user-mode-linux did not download"
  dpkg-deb -x "$work"/user-mode-linux_*.deb "$work/unpacked"
  mkdir "$work/uml"
  mv "$work/unpacked/usr/bin/linux.uml" "$work/uml/linux"
  # Modules by their names alone: the init script loads those that it needs.
  find "$work/unpacked/usr/lib/uml/modules" -name '*fat.ko' -exec mv {} "$work/uml/" \; -o \
    -name 'nls_*.ko' -exec mv {} "$work/uml/" \;
  rm -rf "$uml"
  mv "$work/uml" "$uml"
)

# The images that btrfs-progs tests its own checker with, broken ones and odd ones, from its source package.
unpack_btrfs_images() (
  [ ! -d "$images" ] || exit 0
  command -v apt-get > /dev/null || complain "there is no apt-get to download the test images of btrfs-progs with"
  echo "unpacking the test images of btrfs-progs" >&2
  mkdir -p "$repository/.cache/judges"
  work=$(mktemp -d "$repository/.cache/judges/apt-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  PRIVATE_APT_SOURCES=1 private_apt_setup "$work/apt" "$(dpkg --print-architecture)" '' -backports
  # The newest version that can be downloaded; the others have nearly the same images. Some mirrors lack the .dsc file,
  # without which apt-get fails although the archive is there.
  archive=''
  for version in $(apt-cache showsrc btrfs-progs | sed -n 's/^Version: //p' | sort -rV | uniq); do
    (cd "$work" && apt-get source -qq --download-only "btrfs-progs=$version") > /dev/null 2>&1 || true
    archive=$(find "$work" -maxdepth 1 -name 'btrfs-progs_*.orig.tar.*' ! -name '*.asc' | sort -V | tail -n1)
    [ -z "$archive" ] || break
  done
  [ -n "$archive" ] || complain "the sources of btrfs-progs did not download"
  mkdir "$work/images"
  tar -xf "$archive" -C "$work/images" --strip-components=2 --wildcards \
    '*/tests/fsck-tests/*.img' '*/tests/fsck-tests/*.xz' '*/tests/misc-tests/*.img' '*/tests/misc-tests/*.raw.xz' \
    '*/tests/misc-tests/*.img.xz' '*/tests/fuzz-tests/images/*.raw.xz'
  rm -rf "$images"
  mv "$work/images" "$images"
)

# Packages of npm that judge the package: compilers, linters, and other versions of Node.
install_npm_judges() (
  ! cmp -s test/judges/npm/package-lock.json "$npm/package-lock.json" || exit 0
  echo "installing the packages of test/judges/npm" >&2
  mkdir -p "$repository/.cache/judges"
  work=$(mktemp -d "$repository/.cache/judges/npm-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cp test/judges/npm/package.json test/judges/npm/package-lock.json "$work"
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) > /dev/null ||
    complain "the packages of test/judges/npm did not install"
  # Of Node, the program alone.
  rm -rf "$work"/node_modules/node-[0-9]*/{include,lib,share} "$npm"
  mv "$work" "$npm"
)

install_packages "$judges"
install_npm_judges
unpack_backports_btrfs
unpack_grub
unpack_uml
unpack_bootctl
unpack_btrfs_images
