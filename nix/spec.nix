# The image description of diskwright, as a value: `builtins.toJSON` of it is what `diskwright build` takes.
# `settings` are the options of the NixOS module (`config.diskwright`), the rest is where things lie.
{ lib }:
{
  settings,
  # Store path of the system.
  toplevel,
  # Seconds of U-Boot's menu; null: it waits for ever.
  timeout ? 5,
  # How many older generations are in the menu.
  generations ? 20,
  # Whether the menu names device trees; or which one of the system's.
  deviceTree ? true,
  # Folder with the Raspberry Pi's firmware, and one with the armstub of a Pi 4, which Nixpkgs has elsewhere.
  firmware,
  armstubs ? null,
  # { pi3 = package; pi4 = package; }, with their `version`
  uboot,
  # The source that has the closure.
  closure,
}:
let
  inherit (settings) bootFromBTRFS piVersion;
  has = version: builtins.elem version piVersion;
  ubootOf = version: uboot."pi${toString version}";

  # What the oldest of them cannot read must not be in the image.
  ubootVersion = builtins.head (
    lib.sort (a: b: lib.versionOlder a b) (map (version: (ubootOf version).version) piVersion)
  );

  subvolumes = lib.filterAttrs (_: path: path != null) settings.subvolumes;
  bootSubvolumes = lib.attrNames (lib.filterAttrs (_: path: path == "/boot") subvolumes);

  # U-Boot of any version reads files that are plain; compressed ones, when they end as bootFiles has it.
  bootStorage = {
    bootFiles = true;
  }
  // (if settings.compressBoot then { compression = settings.compression; } else { nodatacow = true; });

  subvolume =
    name: path:
    {
      inherit name path;
    }
    // lib.optionalAttrs (bootFromBTRFS && path == "/boot") bootStorage;
in
{
  inherit (settings) seed bootFromBTRFS BTRFSDupData;
  table = {
    type = "mbr";
    inherit (settings) diskId;
  };
  uboot.version = ubootVersion;
  partitions = [
    (
      {
        type = "fat32";
        label = settings.firmwareLabel;
        start = "1MiB";
        size = settings.firmwareSize;
        firmware = {
          directory = firmware;
          inherit piVersion;
          extraConfig = settings.extraConfigTxt;
        }
        // lib.optionalAttrs (has 3) { ubootPi3 = "${ubootOf 3}/u-boot.bin"; }
        // lib.optionalAttrs (has 4) { ubootPi4 = "${ubootOf 4}/u-boot.bin"; };
      }
      // lib.optionalAttrs (has 4 && armstubs != null) { sources = [ { directory = armstubs; } ]; }
    )
    {
      type = "btrfs";
      inherit (settings) label uuid compression;
      size = "fit";
      subvolumes = lib.mapAttrsToList subvolume subvolumes;
      # U-Boot's own boot command looks in /boot of the top level.
      links = lib.optionalAttrs (bootFromBTRFS && bootSubvolumes != [ ]) {
        boot = builtins.head bootSubvolumes;
      };
      nixos = {
        toplevel = "${toplevel}";
        timeout = if timeout == null then -1 else timeout;
        inherit generations deviceTree;
      }
      // lib.optionalAttrs (settings.configuration != null) { configuration = "${settings.configuration}"; };
      sources = [ closure ];
    }
  ];
}
