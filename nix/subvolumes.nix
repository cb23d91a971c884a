# The subvolumes an image has unless told otherwise, and where they are mounted. A system that boots from FAT has
# the firmware partition on /boot, and no subvolume for it.
{ bootFromBTRFS }:
{
  "@" = "/";
  "@gnu" = "/gnu";
  "@home" = "/home";
  "@nix" = "/nix";
  "@snapshots" = "/.snapshots";
  "@var" = "/var";
}
// (if bootFromBTRFS then { "@boot" = "/boot"; } else { })
