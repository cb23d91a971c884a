# A system for a Raspberry Pi on BTRFS, to start from. As /etc/nixos it is rebuilt with the flake beside it.
{ lib, pkgs, ... }:
{
  imports = [ ./hardware-configuration.nix ];

  diskwright = {
    enable = true;
    # Of the folder that this file lies in, the image gets a copy.
    configuration = ./.;
    extraConfigTxt = [
      "gpu_mem=16"
      # Lets a Pi 3 boot from USB. It sets a bit in the chip that nothing can take back:
      # "program_usb_boot_mode=1"
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

  system.stateVersion = "25.05";
}
