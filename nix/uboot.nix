# U-Boot for the Raspberry Pi 3, 4 and 5 that reads BTRFS and zstd.
{
  lib,
  ubootRaspberryPi3_64bit,
  ubootRaspberryPi4_64bit,
  # The only one that knows a Pi 5.
  ubootRaspberryPiAarch64,
  # Where it looks for extlinux/, seen from the top level; the first one is that of a `@boot` without a link to it.
  bootPrefixes ? [
    "/@boot/"
    "/boot/"
    "/@/boot/"
    "/"
  ],
}:
let
  # From 2023.10 on, the boards boot with "standard boot", which has the prefixes / and /boot/ built in: there the
  # image's link `boot -> @boot` leads to the files. Before, the boot command is a script that takes them from here.
  bootCommand =
    version:
    lib.optionalString (lib.versionOlder version "2023.10") ''
      CONFIG_USE_BOOTCOMMAND=y
      CONFIG_BOOTCOMMAND="setenv boot_prefixes ${lib.concatStringsSep " " bootPrefixes}; run distro_bootcmd"
    '';

  withBtrfs =
    uboot:
    # What has been through the overlay stays as it is.
    if lib.hasInfix "CONFIG_FS_BTRFS=y" (uboot.extraConfig or "") then
      uboot
    else
      uboot.overrideAttrs (old: {
        extraConfig = (old.extraConfig or "") + ''
          CONFIG_CMD_BTRFS=y
          CONFIG_FS_BTRFS=y
          CONFIG_ZSTD=y
          ${bootCommand (old.version or (lib.getVersion uboot))}'';
      });
in
{
  pi3 = withBtrfs ubootRaspberryPi3_64bit;
  pi4 = withBtrfs ubootRaspberryPi4_64bit;
  pi5 = withBtrfs ubootRaspberryPiAarch64;
}
