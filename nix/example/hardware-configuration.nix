# What is the board's own; file systems, kernel parameters and boot loader come from the module of diskwright.
{ lib, modulesPath, ... }:
{
  imports = [ (modulesPath + "/installer/scan/not-detected.nix") ];

  nixpkgs.hostPlatform = lib.mkDefault "aarch64-linux";

  boot = {
    # For a disk on USB, whose controller a Pi 4 has behind PCI Express.
    initrd.availableKernelModules = [
      "pcie-brcmstb"
      "reset-raspberrypi"
      "usb_storage"
      "usbhid"
    ];
    loader.generic-extlinux-compatible.configurationLimit = 20;
  };

  # An SD card is no place to swap to.
  zramSwap = {
    enable = true;
    memoryPercent = 50;
    algorithm = "zstd";
  };

  powerManagement.cpuFreqGovernor = lib.mkDefault "ondemand";
}
