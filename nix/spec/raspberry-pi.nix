# What a Raspberry Pi wants of an image: an MBR, the firmware and U-Boot on FAT, and a /boot that U-Boot can read.
{ lib }:
{
  settings,
  deviceTree,
  firmware,
  armstubs,
  uboot,
  ...
}:
let
  inherit (settings) bootFromBTRFS;
  piVersion = map (board: (import ../boards.nix).${board}.pi) settings.board;
  has = version: lib.elem version piVersion;
  ubootOf = version: uboot."pi${toString version}";

  # What the oldest of them cannot read must not be in the image.
  ubootVersion = lib.head (
    lib.sort lib.versionOlder (map (version: (ubootOf version).version) piVersion)
  );

  bootSubvolumes = lib.attrNames (lib.filterAttrs (_: path: path == "/boot") settings.subvolumes);
in
{
  image = {
    inherit bootFromBTRFS;
    table = {
      type = "mbr";
      inherit (settings) diskId;
    };
    uboot.version = ubootVersion;
  };

  fat = {
    firmware = {
      directory = "${firmware}";
      inherit piVersion;
      extraConfig = settings.extraConfigTxt;
    }
    // lib.optionalAttrs settings.programUsbBootMode { config.pi3.program_usb_boot_mode = 1; }
    // lib.listToAttrs (
      map (
        version: lib.nameValuePair "ubootPi${toString version}" "${ubootOf version}/u-boot.bin"
      ) piVersion
    );
  }
  // lib.optionalAttrs (has 4 && armstubs != null) { sources = [ { directory = "${armstubs}"; } ]; };

  btrfs = {
    # U-Boot's own boot command looks in /boot of the top level.
    links = lib.optionalAttrs (bootFromBTRFS && bootSubvolumes != [ ]) { boot = lib.head bootSubvolumes; };
  };

  # U-Boot of any version reads files that are plain; compressed ones, when they end as bootFiles has it.
  subvolume =
    path:
    lib.optionalAttrs (bootFromBTRFS && path == "/boot") (
      {
        bootFiles = true;
      }
      // (if settings.compressBoot then { inherit (settings) compression; } else { nodatacow = true; })
    );

  nixos = { inherit deviceTree; };
}
