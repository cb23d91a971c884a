{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.diskwright;
  mountPoints = lib.attrValues (lib.filterAttrs (_: path: path != null) cfg.subvolumes);
  roots = lib.length (lib.filter (path: path == "/") mountPoints);
  isUefi = lib.elem "uefi" cfg.board;
  platform = pkgs.stdenv.hostPlatform;
  kernel = config.boot.kernelPackages.kernel.version;
in
{
  assertions = lib.optionals cfg.enable [
    {
      assertion = isUefi -> lib.length cfg.board == 1;
      message = "diskwright.board: \"uefi\" comes alone, and is one of ${lib.concatStringsSep ", " cfg.board}";
    }
    {
      assertion = lib.unique cfg.board == cfg.board;
      message = "diskwright.board: a board is named twice";
    }
    {
      assertion = isUefi || platform.isAarch64;
      message = "diskwright.board: a Raspberry Pi needs a system for aarch64-linux, and this one is for ${platform.system}";
    }
    {
      assertion = isUefi -> platform.isAarch64 || platform.isx86_64;
      message = "diskwright.board: \"uefi\" needs a system for x86_64-linux or aarch64-linux, and this one is for ${platform.system}";
    }
    {
      assertion = lib.elem "raspberry-pi-5" cfg.board -> lib.versionAtLeast kernel "6.12";
      message = "diskwright.board: Linux ${kernel} has no device tree of a Raspberry Pi 5; expected 6.12 or later (boot.kernelPackages)";
    }
    {
      assertion = roots == 1;
      message = "diskwright.subvolumes: expected one subvolume mounted at \"/\", found ${toString roots}";
    }
    {
      assertion = lib.unique mountPoints == mountPoints;
      message = "diskwright.subvolumes: two subvolumes have the same mount point";
    }
    {
      assertion = !(isUefi && cfg.bootFromBTRFS);
      message = "diskwright.bootFromBTRFS: UEFI reads no BTRFS: expected false with the board \"uefi\"";
    }
    {
      assertion = isUefi || !cfg.bootFromBTRFS || lib.elem "/boot" mountPoints;
      message = "diskwright.bootFromBTRFS: U-Boot looks for the kernel in the subvolume of \"/boot\", and diskwright.subvolumes has none";
    }
    {
      assertion = cfg.bootFromBTRFS || !(lib.elem "/boot" mountPoints);
      message = "diskwright.bootFromBTRFS is false: the FAT partition is mounted at \"/boot\", where diskwright.subvolumes has a subvolume";
    }
    {
      assertion = cfg.initGit -> cfg.configuration != null;
      message = "diskwright.initGit: expected a folder for /etc/nixos in diskwright.configuration";
    }
  ];
}
