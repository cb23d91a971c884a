# As much of NixOS as nix/module.nix and the example use: the options they set, and a system with the files that an
# image is made of.
{ pkgs }:
let
  inherit (pkgs) lib;
  inherit (lib) mkOption types;
  any = mkOption { type = types.attrsOf types.anything; default = { }; };
  flag = mkOption { type = types.bool; default = true; };
  texts = mkOption { type = types.listOf types.str; default = [ ]; };

  options = {
    assertions = mkOption { type = types.listOf types.anything; default = [ ]; };
    boot = {
      initrd = {
        availableKernelModules = texts;
        kernelModules = texts;
        supportedFilesystems = texts;
      };
      kernelParams = texts;
      supportedFilesystems = texts;
      loader = {
        generic-extlinux-compatible = {
          configurationLimit = mkOption { type = types.int; default = 20; };
          enable = mkOption { type = types.bool; default = false; };
          useGenerationDeviceTree = flag;
        };
        grub.enable = flag;
        timeout = mkOption { type = types.nullOr types.int; default = 5; };
      };
    };
    environment.systemPackages = mkOption { type = types.listOf types.anything; default = [ ]; };
    fileSystems = any;
    hardware.deviceTree.name = mkOption { type = types.nullOr types.str; default = null; };
    networking = {
      hostName = mkOption { type = types.str; default = "nixos"; };
      useDHCP = flag;
    };
    nix = {
      package = mkOption { type = types.anything; default = pkgs.nix; };
      settings = any;
    };
    nixpkgs.hostPlatform = mkOption { type = types.str; };
    powerManagement.cpuFreqGovernor = mkOption { type = types.str; };
    services = any;
    system = {
      build = any;
      stateVersion = mkOption { type = types.str; };
    };
    systemd.services = any;
    users.users = any;
    zramSwap = any;
  };

  kernel = pkgs.runCommand "linux-6.12" { } ''
    mkdir -p "$out/dtbs/broadcom"
    # How a kernel for arm64 begins: its size at 16, its magic at 56.
    { head -c 16 /dev/zero; printf '\0\0\020\0\0\0\0\0'; head -c 32 /dev/zero; printf 'ARM\x64\0\0\0\0'
      yes kernel | head -c 1048512; } > "$out/Image"
    echo three > "$out/dtbs/broadcom/bcm2837-rpi-3-b.dtb"
    echo four > "$out/dtbs/broadcom/bcm2711-rpi-4-b.dtb"
  '';
  initrd = pkgs.runCommand "initrd-linux-6.12" { } ''
    mkdir "$out"
    yes initrd | head -c 300001 > "$out/initrd"
  '';
  # The store's optimiser may have made one file of these two.
  twins = pkgs.runCommand "twins" { } ''
    mkdir "$out"
    echo twin > "$out/a"
    ln "$out/a" "$out/b"
  '';

  toplevelOf =
    config:
    let
      failed = lib.filter ({ assertion, ... }: !assertion) config.assertions;
    in
    if failed != [ ] then
      throw "assertion: ${(lib.head failed).message}"
    else
      pkgs.runCommand "nixos-system-${config.networking.hostName}-25.05"
        {
          parameters = lib.concatStringsSep " " config.boot.kernelParams;
          units = builtins.toJSON config.systemd.services;
        }
        ''
          mkdir "$out"
          ln -s ${kernel}/Image "$out/kernel"
          ln -s ${kernel}/dtbs "$out/dtbs"
          ln -s ${initrd}/initrd "$out/initrd"
          ln -s ${twins} "$out/twins"
          printf '#!/bin/sh\n' > "$out/init"
          chmod 555 "$out/init"
          echo -n "$parameters" > "$out/kernel-params"
          echo -n 25.05 > "$out/nixos-version"
          echo "$units" > "$out/units"
        '';

  nixosSystem =
    { modules }:
    let
      system = lib.evalModules {
        modules = modules ++ [
          { inherit options; }
          { config.system.build.toplevel = toplevelOf system.config; }
        ];
        specialArgs = {
          inherit pkgs;
          modulesPath = ./modules;
        };
      };
    in
    system;
in
nixosSystem
