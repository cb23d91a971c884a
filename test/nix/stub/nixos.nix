# As much of NixOS as nix/module.nix and the example use: the options they set, and a system with the files that an
# image is made of.
{ pkgs }:
let
  inherit (pkgs) lib;
  inherit (lib) mkOption types;
  any = mkOption { type = types.attrsOf types.anything; default = { }; };
  flag = mkOption { type = types.bool; default = true; };
  texts = mkOption { type = types.listOf types.str; default = [ ]; };
  off = mkOption { type = types.bool; default = false; };

  options = {
    assertions = mkOption { type = types.listOf types.anything; default = [ ]; };
    boot = {
      initrd = {
        availableKernelModules = texts;
        kernelModules = texts;
        supportedFilesystems = texts;
        # Of 26.05.
        systemd = {
          enable = flag;
          root = mkOption { type = types.nullOr types.str; default = "fstab"; };
        };
      };
      kernelPackages = mkOption { type = types.anything; default = { inherit kernel; }; };
      kernelParams = texts;
      supportedFilesystems = texts;
      loader = {
        generic-extlinux-compatible = {
          configurationLimit = mkOption { type = types.int; default = 20; };
          enable = off;
          useGenerationDeviceTree = flag;
        };
        efi = {
          canTouchEfiVariables = off;
          efiSysMountPoint = mkOption { type = types.str; default = "/boot"; };
        };
        grub.enable = flag;
        systemd-boot = {
          bootCounting = {
            enable = off;
            tries = mkOption { type = types.int; default = 3; };
          };
          configurationLimit = mkOption { type = types.nullOr types.int; default = null; };
          consoleMode = mkOption { type = types.str; default = "keep"; };
          editor = flag;
          enable = off;
        };
        timeout = mkOption { type = types.nullOr types.int; default = 5; };
      };
    };
    environment.systemPackages = mkOption { type = types.listOf types.anything; default = [ ]; };
    fileSystems = any;
    hardware = {
      deviceTree.name = mkOption { type = types.nullOr types.str; default = null; };
      enableAllHardware = off;
      firmware = mkOption { type = types.listOf types.anything; default = [ ]; };
    };
    image.modules = mkOption { type = types.attrsOf types.deferredModule; default = { }; };
    networking = {
      hostName = mkOption { type = types.str; default = "nixos"; };
      useDHCP = flag;
    };
    nix = {
      channel.enable = flag;
      package = mkOption { type = types.anything; default = pkgs.nix; };
      settings = any;
    };
    nixpkgs = {
      hostPlatform = mkOption { type = types.str; };
      overlays = mkOption { type = types.listOf types.anything; default = [ ]; };
    };
    powerManagement.cpuFreqGovernor = mkOption { type = types.str; };
    services = any;
    system = {
      build = any;
      defaultChannel = mkOption { type = types.str; default = "https://channels.example/nixos-26.05"; };
      nixos = {
        label = mkOption { type = types.str; default = "26.05"; };
        revision = mkOption { type = types.nullOr types.str; default = null; };
        version = mkOption { type = types.str; default = "26.05.1"; };
        versionSuffix = mkOption { type = types.str; default = ".1"; };
      };
      stateVersion = mkOption { type = types.str; };
    };
    systemd.services = any;
    users.users = any;
    warnings = texts;
    zramSwap = any;
  };

  # Kernels, and systemd-boot, begin as boot loaders want it; what follows is nothing that runs.
  kernel =
    pkgs.runCommand "linux-6.18" { } ''
      mkdir -p "$out/dtbs/broadcom"
      # For arm64: its size at 16, its magic at 56.
      { head -c 16 /dev/zero; printf '\0\0\020\0\0\0\0\0'; head -c 32 /dev/zero; printf 'ARM\x64\0\0\0\0'
        yes kernel | head -c 1048512; } > "$out/Image"
      ${efiProgram "0xaa64" "kernel" "$out/vmlinuz.efi"}
      ${efiProgram "0x8664" "kernel" "$out/bzImage"}
      echo three > "$out/dtbs/broadcom/bcm2837-rpi-3-b.dtb"
      echo four > "$out/dtbs/broadcom/bcm2711-rpi-4-b.dtb"
      echo five > "$out/dtbs/broadcom/bcm2712-rpi-5-b.dtb"
    ''
    // {
      version = "6.18";
    };
  systemd = pkgs.runCommand "systemd" { } ''
    mkdir -p "$out/lib/systemd/boot/efi"
    ${efiProgram "0xaa64" "#### LoaderInfo: systemd-boot 260 ####" "$out/lib/systemd/boot/efi/systemd-bootaa64.efi"}
    ${efiProgram "0x8664" "#### LoaderInfo: systemd-boot 260 ####" "$out/lib/systemd/boot/efi/systemd-bootx64.efi"}
  '';
  # A PE image of a machine: an EFI application without sections.
  efiProgram = machine: text: file: ''
    /node -e '
      const image = Buffer.alloc(4096)
      image.write("MZ"); image.writeUInt32LE(64, 60); image.write("PE\0\0", 64)
      image.writeUInt16LE(${machine}, 68); image.writeUInt16LE(240, 84); image.writeUInt16LE(0x20b, 88)
      image.writeUInt16LE(10, 156); image.writeUInt32LE(16, 196); image.write(process.argv[1], 2048)
      require("fs").writeFileSync(process.argv[2], image)' '${text}' "${file}"
  '';
  initrd = pkgs.runCommand "initrd-linux-6.18" { } ''
    mkdir "$out"
    yes initrd | head -c 300001 > "$out/initrd"
  '';
  # The store's optimiser may have made one file of these two.
  twins = pkgs.runCommand "twins" { } ''
    mkdir "$out"
    echo twin > "$out/a"
    ln "$out/a" "$out/b"
  '';

  # What the initrd mounts. (nixos/modules/tasks/filesystems.nix)
  fstabOf =
    { fileSystems, ... }:
    lib.concatStrings (
      lib.mapAttrsToList (
        path: { device, fsType, options }: "${device} ${path} ${fsType} ${lib.concatStringsSep "," options} 0 0\n"
      ) fileSystems
    );

  toplevelOf =
    pkgs: config:
    let
      failed = lib.filter ({ assertion, ... }: !assertion) config.assertions;
      isUefi = config.boot.loader.systemd-boot.enable;
      isX86 = pkgs.stdenv.hostPlatform.isx86_64;
      kernelFile = if isX86 then "bzImage" else if isUefi then "vmlinuz.efi" else "Image";
      etc = pkgs.runCommand "etc" { fstab = fstabOf config; } ''
        mkdir -p "$out/etc"
        echo -n "$fstab" > "$out/etc/fstab"
        echo VERSION_ID=26.05 > "$out/etc/os-release"
      '';
    in
    if failed != [ ] then
      throw "assertion: ${(lib.head failed).message}"
    else
      pkgs.runCommand "nixos-system-${config.networking.hostName}-26.05"
        {
          parameters = lib.concatStringsSep " " config.boot.kernelParams;
          units = builtins.toJSON config.systemd.services;
          bootspec = builtins.toJSON {
            "org.nixos.bootspec.v1" = {
              label = "NixOS 26.05 (Linux 6.18)";
              kernel = "${kernel}/${kernelFile}";
              kernelParams = config.boot.kernelParams;
              initrd = "${initrd}/initrd";
              inherit (pkgs.stdenv.hostPlatform) system;
            };
            "org.nixos.specialisation.v1" = { };
            "org.nixos.systemd-boot".sortKey = "nixos";
          };
        }
        ''
          mkdir "$out"
          ln -s ${kernel}/${kernelFile} "$out/kernel"
          ln -s ${kernel}/dtbs "$out/dtbs"
          ln -s ${initrd}/initrd "$out/initrd"
          ln -s ${twins} "$out/twins"
          ln -s ${systemd} "$out/systemd"
          ln -s ${etc}/etc "$out/etc"
          printf '#!/bin/sh\n' > "$out/init"
          chmod 555 "$out/init"
          echo -n "$parameters" > "$out/kernel-params"
          echo -n 26.05 > "$out/nixos-version"
          echo "$units" > "$out/units"
          printf '%s' "$bootspec" | /node -e '
            const spec = JSON.parse(require("fs").readFileSync(0, "utf8"))
            Object.assign(spec["org.nixos.bootspec.v1"], { init: process.argv[1] + "/init", toplevel: process.argv[1] })
            console.log(JSON.stringify(spec))' "$out" > "$out/boot.json"
        '';

  # The packages of a system: those for its machine, changed by its overlays.
  pkgsOf =
    { nixpkgs, ... }:
    builtins.foldl' (packages: overlay: packages.extend overlay) (
      if nixpkgs.hostPlatform == "aarch64-linux" then pkgs.pkgsCross.aarch64-multiplatform else pkgs
    ) nixpkgs.overlays;

  nixosSystem =
    { modules }:
    let
      systemOf =
        system:
        let
          packages = pkgsOf system.config;
        in
        {
          pkgs = packages;
          inherit (system) config options;
          extendModules = more: nixosSystem { modules = modules ++ more.modules; };
        };
      system = lib.evalModules {
        modules = modules ++ [
          { inherit options; }
          (
            { config, ... }:
            {
              boot.kernelParams = lib.optional (
                config.boot.initrd.systemd.enable && config.boot.initrd.systemd.root != null
              ) "root=${config.boot.initrd.systemd.root}";
              system.build.toplevel = toplevelOf made.pkgs config;
              # (nixos/modules/image/images.nix)
              system.build.images = lib.mapAttrs (
                _: module:
                let
                  inherit (made.extendModules { modules = [ module ]; }) config;
                in
                config.system.build.image
                // {
                  passthru = {
                    inherit config;
                    inherit (config.image) filePath;
                  };
                }
              ) config.image.modules;
            }
          )
        ];
        specialArgs = {
          inherit (made) pkgs;
          modulesPath = ./modules;
        };
      };
      made = systemOf system;
    in
    made;
in
nixosSystem
