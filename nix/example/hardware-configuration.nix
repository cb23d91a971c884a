# What is the board's own; file systems, kernel parameters, modules and boot loader come from the module of diskwright.
{ lib, pkgs, ... }:
{
  nixpkgs.hostPlatform = lib.mkDefault "aarch64-linux";

  boot.loader.generic-extlinux-compatible.configurationLimit = 20;

  # For Wi-Fi and Bluetooth on the board. hardware.enableRedistributableFirmware has it for whatever is plugged in, too.
  hardware.firmware = [ pkgs.raspberrypiWirelessFirmware ];

  # An SD card is no place to swap to.
  zramSwap = {
    enable = true;
    memoryPercent = 50;
    algorithm = "zstd";
  };

  powerManagement.cpuFreqGovernor = lib.mkDefault "ondemand";
}
