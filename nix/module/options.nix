{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) literalExpression mkOption types;
  cfg = config.diskwright;
  boards = import ../boards.nix;
  isUefi = lib.elem "uefi" cfg.board;

  oneOrMore = type: types.coercedTo type lib.singleton (types.nonEmptyListOf type);
  labelOf = most: types.strMatching "[A-Za-z0-9._-]{1,${toString most}}";
  byBoard =
    { pi, uefi }:
    {
      default = if isUefi then uefi else pi;
      defaultText = literalExpression "if board is \"uefi\" then ${builtins.toJSON uefi} else ${builtins.toJSON pi}";
    };
in
{
  imports = [
    (lib.mkChangedOptionModule [ "diskwright" "piVersion" ] [ "diskwright" "board" ] (
      config: map (version: "raspberry-pi-${toString version}") (lib.toList config.diskwright.piVersion)
    ))
  ];

  options.diskwright = {
    enable = lib.mkEnableOption "the file systems, boot loader and first boot of an image made by diskwright";

    board = mkOption {
      type = oneOrMore (types.enum (lib.attrNames boards));
      default = "raspberry-pi-3";
      example = [
        "raspberry-pi-3"
        "raspberry-pi-4"
      ];
      description = ''
        The boards that the image is for. One image can be for several Raspberry Pis. `"uefi"` is for machines with
        UEFI of the system's architecture, x86-64 or arm64, and cannot be combined with other boards.
      '';
    };

    bootFromBTRFS = mkOption {
      type = types.bool;
      default = !isUefi;
      defaultText = literalExpression "board is not \"uefi\"";
      description = ''
        Whether kernels are on BTRFS, in the subvolume that is mounted at {file}`/boot`. Otherwise they are on the
        FAT partition, which is then mounted at {file}`/boot`. UEFI firmware reads only FAT, so this must be false
        for `"uefi"`.
      '';
    };

    BTRFSDupData = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether all content is stored twice, so that {command}`btrfs scrub` can repair it. U-Boot can read such
        file systems since version 2023.04.
      '';
    };

    compressBoot = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the files of {file}`/boot` are compressed in the image, in a way that every U-Boot with zstd can
        read. Otherwise they are uncompressed and without copy-on-write. This has an effect only with
        {option}`diskwright.bootFromBTRFS`.
      '';
    };

    subvolumes = mkOption {
      type = types.attrsOf (types.nullOr (types.strMatching "/.*"));
      default = { };
      defaultText = literalExpression ''
        {
          "@" = "/";
          "@boot" = "/boot"; # with bootFromBTRFS
          "@gnu" = "/gnu"; # on a Raspberry Pi
          "@home" = "/home";
          "@nix" = "/nix";
          "@snapshots" = "/.snapshots";
          "@var" = "/var";
        }
      '';
      example = {
        "@data" = "/data";
        "@gnu" = null;
      };
      description = ''
        Mount points, by the names of the subvolumes. Definitions are added to the defaults; `null` removes a
        subvolume.
      '';
    };

    mountOptions = mkOption {
      type = types.listOf (types.strMatching "[^, ]+");
      default = [
        "noatime"
        "compress-force=zstd"
        "discard=async"
      ];
      example = [
        "noatime"
        "compress-force=zstd"
        "discard=async"
        "ssd_spread"
        "autodefrag"
      ];
      description = ''
        Mount options of all subvolumes. For BTRFS, most of them apply to the whole file system and are taken from
        the subvolume that is mounted first.
      '';
    };

    compression = mkOption {
      type = types.strMatching "none|lzo|zlib(:[1-9])?|zstd(:([1-9]|1[0-9]|-([1-9]|1[0-5])))?";
      default = "zstd:3";
      example = "zstd:15";
      description = "How the content of the image is compressed.";
    };

    extraConfigTxt = mkOption {
      type = types.listOf types.singleLineStr;
      default = [ "gpu_mem=16" ];
      example = [ "dtparam=audio=on" ];
      description = "Lines to append to {file}`config.txt`, which the firmware of a Raspberry Pi reads.";
    };

    programUsbBootMode = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the image enables a Raspberry Pi 3 to boot from USB, with `program_usb_boot_mode=1` in
        {file}`config.txt`.

        ::: {.warning}
        The first boot permanently sets a bit in the processor of the board. Nothing can clear it.
        :::
      '';
    };

    label = mkOption {
      type = labelOf 255;
      inherit
        (byBoard {
          pi = "NIXOS_SD";
          uefi = "nixos";
        })
        default
        defaultText
        ;
      description = "Label of the BTRFS file system.";
    };

    firmwareLabel = mkOption {
      type = labelOf 11;
      inherit
        (byBoard {
          pi = "FIRMWARE";
          uefi = "ESP";
        })
        default
        defaultText
        ;
      description = "Label of the FAT partition, with the firmware of a Raspberry Pi or the boot loader for UEFI.";
    };

    firmwareSize = mkOption {
      type = types.strMatching "[1-9][0-9]*(KiB|MiB|GiB)";
      inherit
        (byBoard {
          pi = "512MiB";
          uefi = "1GiB";
        })
        default
        defaultText
        ;
      description = "Size of the FAT partition.";
    };

    uuid = mkOption {
      type = types.strMatching "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";
      default = "44444444-4444-4444-8888-888888888889";
      description = "UUID of the BTRFS file system.";
    };

    diskId = mkOption {
      type = types.strMatching "0x[0-9A-Fa-f]{1,8}";
      default = "0x2178694e";
      description = "Signature of the disk's MBR. It applies only to Raspberry Pis; disks for UEFI have a GPT.";
    };

    seed = mkOption {
      type = types.nonEmptyStr;
      inherit
        (byBoard {
          pi = "nixos-btrfs-pi";
          uefi = "nixos-btrfs-uefi";
        })
        default
        defaultText
        ;
      description = "Text from which the other UUIDs of the image are derived.";
    };

    configuration = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = literalExpression "./.";
      description = ''
        Folder that becomes {file}`/etc/nixos` of the image. Unless it has a folder {file}`diskwright`, one with this
        module is added, so that the configuration can import {file}`./diskwright/module.nix`.
      '';
    };

    initGit = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether {file}`/etc/nixos` of the image is a Git repository with one commit, which has the files of
        {option}`diskwright.configuration`. The author and the time of the commit are fixed.
      '';
    };

    copyChannel = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the image has a copy of the Nixpkgs that it is made from, as the first generation of root's channels.
        Without it, {command}`nix-channel --update` fetches the channel. In both cases, root is subscribed to the
        channel that this Nixpkgs belongs to, if {option}`nix.channel.enable` is set.
      '';
    };

    package = mkOption {
      type = types.package;
      default = pkgs.buildPackages.diskwright
        or (import ../choose-package.nix { inherit (pkgs.buildPackages) callPackage; });
      defaultText = literalExpression "pkgs.buildPackages.diskwright";
      description = "The diskwright package that builds `system.build.images.diskwright`.";
    };
  };

  # One default for each, so that adding a subvolume keeps the others.
  config.diskwright.subvolumes = lib.mapAttrs (_: lib.mkDefault) (
    import ../subvolumes.nix {
      inherit (cfg) bootFromBTRFS;
      inherit isUefi;
    }
  );
}
