# A system for a Raspberry Pi on BTRFS, to start from. As /etc/nixos it is rebuilt with the flake beside it, or without
# one, from root's channel.
{ lib, pkgs, ... }:
{
  imports = [
    ./hardware-configuration.nix
  ]
  # The image has the module here, for systems without a flake. One that brings it, too, does no harm.
  ++ lib.optional (builtins.pathExists ./diskwright) ./diskwright/module.nix;

  diskwright = {
    enable = true;
    # Of the folder that this file lies in, the image gets a copy.
    configuration = ./.;
    extraConfigTxt = [ "gpu_mem=16" ];
    # Lets a Pi 3 boot from USB. It sets a bit in the chip that nothing can take back:
    # programUsbBootMode = true;
    mountOptions = [
      "noatime"
      "compress-force=zstd"
      "discard=async"
      # For flash that erases in large blocks, and files that are rewritten in small pieces.
      "ssd_spread"
      "autodefrag"
    ];
  };

  networking = {
    hostName = "nixpi";
    useDHCP = lib.mkDefault true;
  };

  services = {
    openssh = {
      enable = true;
      settings.PasswordAuthentication = false;
    };
    fstrim.enable = true;
    btrfs.autoScrub.enable = true;
  };

  users.users.root = {
    # For the console. Change it, and put your key below for SSH.
    initialPassword = "nixos-btrfs";
    openssh.authorizedKeys.keys = [ ];
  };

  environment.systemPackages = [
    pkgs.compsize
    pkgs.git
    pkgs.libraspberrypi
  ];

  nix.settings.experimental-features = [
    "nix-command"
    "flakes"
  ];

  system.stateVersion = "26.05";
}
