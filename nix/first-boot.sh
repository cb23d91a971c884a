# What an image needs once, on the machine it was written to: the root partition and its file system take all of the
# disk, and Nix's database learns what is in the store. The registration of the store is the mark that it is still to
# do. It goes last, and every step before may be done again: after a loss of power it all begins anew.
#
# usage: first-boot [ROOT]
set -euo pipefail

root=${1:-/}
registration=${root%/}/nix-path-registration
[ -e "$registration" ] || exit 0

say() {
  echo "first boot: $*" >&2
}

grow_partition() {
  local device name parent number
  device=$(findmnt --noheadings --nofsroot --output SOURCE --mountpoint "$root" | tail -n 1) || return
  name=$(basename "$(readlink -f "$device")") || return
  if [ ! -e "/sys/class/block/$name/partition" ]; then
    say "$device is no partition, and stays as it is"
    return 0
  fi
  read -r number < "/sys/class/block/$name/partition" || return
  parent=$(basename "$(dirname "$(readlink -f "/sys/class/block/$name")")") || return
  # An MBR is one sector, written at once. Of a GPT, sfdisk first writes the backup, at the new end of the disk, and
  # then the table itself. Start, type and flag stay. The disk is in use, so the kernel is told of this one partition.
  echo ',+' | sfdisk --quiet --no-reread --no-tell-kernel -N "$number" "/dev/$parent" || return
  partx --update --nr "$number" "/dev/$parent"
}

grow() {
  grow_partition && btrfs filesystem resize max "$root"
}

# Nix makes its database in several files and does not wait for all of them to be on the disk. When the power goes then,
# Nix can neither open what is left nor make a new one. Only such a database is removed: one that Nix can read may
# have paths by now that the registration does not know.
load_database() {
  local files=${root%/}/nix/var/nix/db
  nix-store --load-db < "$registration" && return
  ! nix-store --dump-db > /dev/null || return
  say "Nix cannot read its database; it is made anew"
  rm -f "$files"/db.sqlite* "$files/schema"
  nix-store --load-db < "$registration"
}

# A disk that does not grow is no reason to do without the database.
grown=yes
grow || grown=no

load_database

if [ "$grown" = no ]; then
  say "the file system could not be grown; the next boot tries again"
  exit 1
fi

# The database may be in the page cache only: it comes to the disk before the mark goes.
sync --file-system "$root"
rm -f "$registration"
sync --file-system "$root"
say "done"
