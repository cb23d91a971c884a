# A system for a machine with UEFI on BTRFS, to start from. As /etc/nixos it is rebuilt with the flake beside it.
{ lib, pkgs, ... }:
{
  # The image has the module here, for systems without a flake. One that brings it, too, does no harm.
  imports = lib.optional (builtins.pathExists ./diskwright) ./diskwright/module.nix;

  # Or "aarch64-linux".
  nixpkgs.hostPlatform = lib.mkDefault "x86_64-linux";

  diskwright = {
    enable = true;
    board = "uefi";
    # Of the folder that this file lies in, the image gets a copy.
    configuration = ./.;
  };

  boot.loader.systemd-boot.configurationLimit = 20;

  networking = {
    hostName = "nixos";
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

  environment.systemPackages = [ pkgs.git ];

  nix.settings.experimental-features = [
    "nix-command"
    "flakes"
  ];

  system.stateVersion = "26.05";
}
