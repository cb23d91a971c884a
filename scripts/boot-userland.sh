#!/bin/bash
# Sourced by boot-ingredients.sh.

# What a whole first boot runs: systemd, Nix and what nix/first-boot.sh calls; with what those depend on.
userland='systemd udev nix-bin nix-setup-systemd btrfs-progs fdisk mount util-linux coreutils bash grep sed findutils'
# Dependencies of packages, not of the programs that run.
userland_without='perl libperl libdbi libdbd libwww-perl libwww-curl-perl debconf libdebconf passwd login.defs bash-static libsemanage
  libdb5 libaudit-common gcc-14-base readline-common mawk debianutils base-passwd libpam-runtime libpam-systemd dpkg curl
  dbus libdbus libexpat init-system-helpers systemd-sysv'
# Units of Debian that NixOS has not: it brings users, databases and caches ready-made. systemctl would start them,
# as they are linked from the folders of targets.
units_without='ldconfig systemd-firstboot systemd-hwdb-update systemd-journal-catalog-update systemd-sysusers
  systemd-update-done systemd-pcr* systemd-tpm2* systemd-hibernate-clear systemd-battery-check systemd-bsod
  systemd-sysext* systemd-confext* systemd-creds* cryptdisks* getty-static rc-local procps kmod udev hwclock'

# unpack_userland DIRECTORY SUITE
# For arm64: DIRECTORY/root has what is in the packages, DIRECTORY/programs the names of each one's programs.
unpack_userland() (
  made=$1 suite=$2
  wanted="$suite $(declare -f unpack_userland | sha256sum) $userland / $userland_without / $units_without"
  if [ "$(cat "$made/packages" 2> /dev/null)" = "$wanted" ]; then exit 0; fi
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null ||
    complain "there is no apt-get to download systemd and Nix for arm64 with"
  echo "unpacking systemd, Nix and what they need for arm64" >&2
  mkdir -p "$(dirname "$made")"
  work=$(mktemp -d "$made-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  private_apt_setup "$work/apt" arm64 "$suite"
  # shellcheck disable=SC2086 # one word a package
  apt-get install -qq -y --no-install-recommends --download-only $userland > "$work/apt.log" 2>&1 ||
    complain "systemd and Nix for arm64 did not download: $(tail -n2 "$work/apt.log")"
  mkdir -p "$work/unpacked/root" "$work/unpacked/programs"
  for file in "$work"/apt/cache/archives/*.deb; do
    package=$(basename "$file" | sed 's/_.*//')
    for left_out in $userland_without; do [[ $package != "$left_out"* ]] || continue 2; done
    dpkg-deb -x "$file" "$work/unpacked/root"
    dpkg-deb -c "$file" | sed -nE 's,.* \./usr/s?bin/([^/ ]+)( -> .*)?$,\1,p' > "$work/unpacked/programs/$package"
  done
  cd "$work/unpacked/root"
  # All of it is below /usr; /etc is the system's.
  rm -rf boot dev etc home proc root run srv sys tmp usr/share usr/lib/aarch64-linux-gnu/gconv usr/lib/udev/hwdb.d \
    usr/lib/sysusers.d var
  # Generators and rules of udev for what a virtual machine has not: every one costs seconds where processors are emulated.
  find usr/lib/systemd/system-generators -type f ! -name systemd-fstab-generator -delete
  find usr/lib/udev/rules.d -type f ! -name '5*' ! -name '60-block*' ! -name '60-persistent-storage.rules' \
    ! -name '64-btrfs.rules' ! -name 99-systemd.rules -delete
  for unit in $units_without; do
    # shellcheck disable=SC2086 # with its wildcard
    (cd usr/lib/systemd/system && rm -rf $unit.* $unit@.* ./*.wants/$unit.*)
  done
  cd "$work/unpacked"
  echo "$wanted" > packages
  rm -rf "$made"
  mv "$work/unpacked" "$made"
)
