# A NixOS system on the BTRFS of an image: its file systems, what it boots with, and what it does when it boots first.
# The image is made with the same options (nix/image.nix), so both agree.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkDefault mkOption types;
  cfg = config.diskwright;

  subvolumes = lib.filterAttrs (_: path: path != null) cfg.subvolumes;
  mountPoints = lib.attrValues subvolumes;
  device = "/dev/disk/by-label/${cfg.label}";
  firmwareDevice = "/dev/disk/by-label/${cfg.firmwareLabel}";
  rootSubvolumes = lib.attrNames (lib.filterAttrs (_: path: path == "/") subvolumes);

  firstBoot = pkgs.writeShellApplication {
    name = "first-boot";
    runtimeInputs = [
      pkgs.btrfs-progs
      pkgs.coreutils
      pkgs.util-linux
      config.nix.package
    ];
    text = builtins.readFile ./first-boot.sh;
  };

  labelOf = most: types.strMatching "[A-Za-z0-9._-]{1,${toString most}}";
in
{
  options.diskwright = {
    enable = lib.mkEnableOption "the file systems of an image made by diskwright";

    piVersion = mkOption {
      type = types.coercedTo (types.enum [
        3
        4
      ]) lib.singleton (types.nonEmptyListOf (types.enum [
        3
        4
      ]));
      default = 3;
      description = "The Raspberry Pi versions that the image boots: 3, 4, or both in a list.";
    };

    bootFromBTRFS = mkOption {
      type = types.bool;
      default = true;
      description = "Kernels lie on BTRFS, in the subvolume of /boot; else on the firmware partition, which is /boot then.";
    };

    BTRFSDupData = mkOption {
      type = types.bool;
      default = false;
      description = "All content is there twice, so that scrub repairs it. U-Boot reads it from 2023.04 on.";
    };

    compressBoot = mkOption {
      type = types.bool;
      default = false;
      description = "The files in /boot are compressed, as U-Boot of any version with zstd reads them; else plain, without copy on write.";
    };

    subvolumes = mkOption {
      type = types.attrsOf (types.nullOr (types.strMatching "/.*"));
      description = "Mount points of the subvolumes, by their names; null takes one of the usual ones away.";
      example = {
        "@data" = "/data";
        "@gnu" = null;
      };
    };

    mountOptions = mkOption {
      type = types.listOf types.str;
      default = [
        "noatime"
        "compress-force=zstd"
        "discard=async"
      ];
      description = "Mount options. BTRFS takes most of them for the whole file system, from the first subvolume mounted.";
    };

    compression = mkOption {
      type = types.str;
      default = "zstd:3";
      description = "How the image's content is compressed.";
    };

    extraConfigTxt = mkOption {
      type = types.listOf types.str;
      default = [ "gpu_mem=16" ];
      example = [ "dtparam=audio=on" ];
      description = "Lines for the end of the firmware's config.txt.";
    };

    label = mkOption {
      type = labelOf 255;
      default = "NIXOS_SD";
      description = "Label of the BTRFS file system.";
    };

    firmwareLabel = mkOption {
      type = labelOf 11;
      default = "FIRMWARE";
      description = "Label of the firmware partition.";
    };

    firmwareSize = mkOption {
      type = types.str;
      default = "512MiB";
      description = "Size of the firmware partition.";
    };

    uuid = mkOption {
      type = types.str;
      default = "44444444-4444-4444-8888-888888888889";
      description = "UUID of the BTRFS file system.";
    };

    diskId = mkOption {
      type = types.str;
      default = "0x2178694e";
      description = "Signature of the disk.";
    };

    seed = mkOption {
      type = types.str;
      default = "nixos-btrfs-pi";
      description = "What the other UUIDs are derived from.";
    };

    configuration = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./.";
      description = "Folder that becomes /etc/nixos of the image.";
    };
  };

  config = {
    # Each of them by itself: who adds one keeps the others.
    diskwright.subvolumes = lib.mapAttrs (_: mkDefault) (
      import ./subvolumes.nix { inherit (cfg) bootFromBTRFS; }
    );

    assertions = lib.optionals cfg.enable [
      {
        assertion = lib.length rootSubvolumes == 1;
        message = "diskwright.subvolumes: expected one subvolume mounted at \"/\", found ${toString (lib.length rootSubvolumes)}";
      }
      {
        assertion = lib.unique mountPoints == mountPoints;
        message = "diskwright.subvolumes: two subvolumes have the same mount point";
      }
      {
        assertion = !cfg.bootFromBTRFS || lib.elem "/boot" mountPoints;
        message = "diskwright.bootFromBTRFS: U-Boot looks for the kernel in the subvolume of \"/boot\", and diskwright.subvolumes has none";
      }
      {
        assertion = cfg.bootFromBTRFS || !(lib.elem "/boot" mountPoints);
        message = "diskwright.bootFromBTRFS is false: the firmware partition is mounted at \"/boot\", where diskwright.subvolumes has a subvolume";
      }
    ];

    fileSystems = lib.mkIf cfg.enable (
      lib.mapAttrs' (name: path: {
        name = path;
        value = {
          inherit device;
          fsType = "btrfs";
          options = cfg.mountOptions ++ [ "subvol=${name}" ];
        };
      }) subvolumes
      // (
        if cfg.bootFromBTRFS then
          {
            "/boot/firmware" = {
              device = firmwareDevice;
              fsType = "vfat";
              # It is for changes of the firmware only.
              options = [
                "nofail"
                "noauto"
              ];
            };
          }
        else
          {
            # nixos-rebuild writes kernels where U-Boot looks for them.
            "/boot" = {
              device = firmwareDevice;
              fsType = "vfat";
              options = [ "umask=0077" ];
            };
          }
      )
    );

    boot = lib.mkIf cfg.enable {
      supportedFilesystems = [ "btrfs" ];
      initrd = {
        supportedFilesystems = [ "btrfs" ];
        kernelModules = [ "btrfs" ];
      };
      kernelParams = [
        # The serial port on the pins is ttyS1 to Linux and ttyS0 to the Raspberry Pi's own kernel; ttyAMA0 is the other
        # one, which Bluetooth usually has. /dev/console is the screen.
        "console=ttyAMA0,115200n8"
        "console=ttyS0,115200n8"
        "console=ttyS1,115200n8"
        "console=tty0"
        "root=LABEL=${cfg.label}"
        "rootfstype=btrfs"
        "rootflags=subvol=${lib.concatStrings rootSubvolumes}"
        "rootwait"
      ];
      loader = {
        grub.enable = false;
        generic-extlinux-compatible.enable = true;
      };
    };

    # Before whoever asks Nix's database, and thus before the sockets: without the usual dependencies, which would put
    # it after them.
    systemd.services.diskwright-first-boot = lib.mkIf cfg.enable {
      description = "Grow the root file system and register the Nix store";
      wantedBy = [ "sysinit.target" ];
      after = [ "local-fs.target" ];
      before = [
        "sysinit.target"
        "shutdown.target"
      ];
      conflicts = [ "shutdown.target" ];
      unitConfig = {
        DefaultDependencies = false;
        ConditionPathExists = "/nix-path-registration";
        RequiresMountsFor = [
          "/nix/store"
          "/nix/var"
        ];
      };
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = lib.getExe firstBoot;
      };
    };
  };
}
