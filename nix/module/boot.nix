{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.diskwright;
  boards = lib.attrVals cfg.board (import ../boards.nix);
  isUefi = lib.elem "uefi" cfg.board;
  # Of one architecture no other ports are named.
  serialPorts = lib.filter (port: !isUefi || pkgs.stdenv.hostPlatform.isx86_64 == (port == "ttyS0")) (
    lib.unique (lib.concatMap (board: board.serialPorts) boards)
  );
in
{
  config = lib.mkIf cfg.enable {
    boot = {
      supportedFilesystems = [ "btrfs" ];
      initrd = {
        supportedFilesystems = [ "btrfs" ];
        kernelModules = [ "btrfs" ];
        availableKernelModules = lib.unique (
          lib.concatMap (
            board:
            board.initrdModules {
              inherit lib;
              inherit (config.boot.kernelPackages) kernel;
            }
          ) boards
        );
      };
      # The root is not among them: each kind of initrd takes it from fileSystems. /dev/console is the screen.
      kernelParams = map (port: "console=${port},115200n8") serialPorts ++ [ "console=tty0" ];
      loader = {
        grub.enable = false;
        generic-extlinux-compatible.enable = !isUefi;
        systemd-boot.enable = isUefi;
        efi = lib.mkIf isUefi {
          efiSysMountPoint = "/boot";
          # The firmware finds the boot loader by its usual name, on whatever machine the disk is.
          canTouchEfiVariables = lib.mkDefault false;
        };
      };
    };

    # An image for UEFI meets machines that nobody has named. Those for a Raspberry Pi are named, and do without the
    # hundreds of megabytes of firmware that come with it.
    hardware.enableAllHardware = lib.mkIf isUefi (lib.mkDefault true);

    # The system's own packages have the U-Boot of the image: what is put onto the FAT partition later reads BTRFS, too.
    nixpkgs.overlays = lib.mkIf (!isUefi) [ (import ../uboot-overlay.nix) ];
  };
}
