# The subvolumes an image has unless told otherwise, and where they are mounted. A system that boots from FAT has
# that partition on /boot, and no subvolume for it.
{
  bootFromBTRFS,
  isUefi ? false,
}:
{
  "@" = "/";
  "@home" = "/home";
  "@nix" = "/nix";
  "@snapshots" = "/.snapshots";
  "@var" = "/var";
}
// (if isUefi then { } else { "@gnu" = "/gnu"; })
// (if bootFromBTRFS then { "@boot" = "/boot"; } else { })
