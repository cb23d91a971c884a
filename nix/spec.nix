# The image description of diskwright, as a value: `builtins.toJSON` of it is what `diskwright build` takes.
{ lib }:
{
  # The options of the NixOS module (`config.diskwright`).
  settings,
  # Store path of the system.
  toplevel,
  # Architecture of the system: "x86-64" or "arm64".
  arch ? "arm64",
  # Seconds of the menu; null: it waits for ever.
  timeout ? 5,
  # How many generations are in the menu.
  generations ? 20,
  # With U-Boot, whether the menu names device trees; or which one of the system's.
  deviceTree ? true,
  # What only systemd-boot has: `editor`, `consoleMode`, `tries`.
  systemdBoot ? { },
  # Folder with the Raspberry Pi's firmware, and one with the armstub of a Pi 4, which Nixpkgs has elsewhere.
  firmware ? null,
  armstubs ? null,
  # { pi3 = package; pi4 = package; pi5 = package; }, with their `version`
  uboot ? { },
  # The source that has the closure.
  closure,
  # Folder that becomes /etc/nixos.
  etcNixos ? null,
  # Address of the channel that root is subscribed to.
  channel ? null,
  # Store path, in the closure, of what that channel had.
  channelContents ? null,
}:
let
  isUefi = lib.elem "uefi" settings.board;
  forBoard = import (if isUefi then ./spec/uefi.nix else ./spec/raspberry-pi.nix) { inherit lib; } {
    inherit
      settings
      arch
      systemdBoot
      deviceTree
      firmware
      armstubs
      uboot
      ;
  };

  profiles = "/nix/var/nix/profiles/per-user/root";
  link = target: {
    type = "symlink";
    inherit target;
  };
  files =
    lib.optionalAttrs (channel != null) { "/root/.nix-channels" = "${channel} nixos\n"; }
    // lib.optionalAttrs (channelContents != null) {
      "${profiles}/channels" = link "channels-1-link";
      "${profiles}/channels-1-link" = link "${channelContents}";
      "/root/.nix-defexpr" = {
        type = "directory";
        mode = "0700";
      };
      "/root/.nix-defexpr/channels" = link "${profiles}/channels";
    };
in
{
  inherit (settings) seed BTRFSDupData;
  partitions = [
    (
      {
        type = "fat32";
        label = settings.firmwareLabel;
        start = "1MiB";
        size = settings.firmwareSize;
      }
      // forBoard.fat
    )
    (
      {
        type = "btrfs";
        inherit (settings) label uuid compression;
        size = "fit";
        subvolumes = lib.mapAttrsToList (name: path: { inherit name path; } // forBoard.subvolume path) (
          lib.filterAttrs (_: path: path != null) settings.subvolumes
        );
        nixos = {
          toplevel = "${toplevel}";
          timeout = if timeout == null then -1 else timeout;
          inherit generations;
        }
        // forBoard.nixos;
        sources = [
          closure
        ]
        # Files of the store are read-only.
        ++ lib.optional (etcNixos != null) {
          directory = "${etcNixos}";
          to = "/etc/nixos";
          mode = "u+w";
        }
        ++ lib.optional (files != { }) { inherit files; };
      }
      // forBoard.btrfs
    )
  ];
}
// forBoard.image
