# The image of a NixOS system. An ordinary derivation: it wants no virtual machine, no /dev/kvm and no other feature
# of its builder, so that remote builders and Hydra make it, whatever machine the system is for.
{
  lib,
  callPackage,
  closureInfo,
  diskwright,
  raspberrypi-armstubs,
  raspberrypifw,
  runCommand,
  stdenvNoCC,
  writeText,
  # Of the Nix that evaluates.
  nixVersion ? builtins.nixVersion,
}:
{
  # What `nixosSystem` gives; of it, `config` and `pkgs`.
  nixos,
  # As nix/uboot.nix makes it.
  uboot,
  name ? if lib.elem "uefi" nixos.config.diskwright.board then "nixos-btrfs-uefi" else "nixos-btrfs-pi",
  fileName ? "${name}.img.zst",
  # More for the store of the image.
  extraPaths ? [ ],
  firmware ? "${raspberrypifw}/share/raspberrypi/boot",
}:
let
  inherit ((import ./requirements.nix { inherit lib; }).checkNix nixVersion nixos) config;
  inherit (config.boot) loader;
  inherit (config.system.build) toplevel;
  settings = config.diskwright;
  isUefi = lib.elem "uefi" settings.board;

  armstubs = runCommand "armstub8-gic" { } ''
    mkdir "$out"
    cp ${raspberrypi-armstubs}/armstub8-gic.bin "$out/"
  '';

  channelContents =
    if settings.copyChannel then callPackage ./channel.nix { } { inherit (nixos) config pkgs; } else null;

  # Its text names all store paths, so that the builder sees them, and diskwright reads the files where they lie.
  closure = closureInfo {
    rootPaths = [ toplevel ] ++ lib.optional settings.copyChannel channelContents ++ extraPaths;
  };

  spec = import ./spec.nix { inherit lib; } {
    inherit
      settings
      toplevel
      firmware
      armstubs
      uboot
      channelContents
      ;
    closure.nix.closureInfo = "${closure}";
    inherit (loader) timeout;
    arch = if nixos.pkgs.stdenv.hostPlatform.isx86_64 then "x86-64" else "arm64";
    # null: all of them, and a fresh image has one.
    generations =
      let
        limit =
          (if isUefi then loader.systemd-boot else loader.generic-extlinux-compatible).configurationLimit;
      in
      if limit == null then 20 else limit;
    deviceTree =
      if !loader.generic-extlinux-compatible.useGenerationDeviceTree then
        false
      else if config.hardware.deviceTree.name != null then
        config.hardware.deviceTree.name
      else
        true;
    systemdBoot = {
      inherit (loader.systemd-boot) editor consoleMode;
    }
    # Boots are counted since NixOS 26.11.
    // lib.optionalAttrs (loader.systemd-boot.bootCounting.enable or false) {
      inherit (loader.systemd-boot.bootCounting) tries;
    };
    etcNixos =
      if settings.configuration == null then
        null
      else
        callPackage ./etc-nixos.nix { } { inherit (settings) configuration initGit; };
    channel = if config.nix.channel.enable then config.system.defaultChannel else null;
  };
  specFile = writeText "${name}.json" (builtins.toJSON spec);
in
stdenvNoCC.mkDerivation {
  inherit name specFile;
  nativeBuildInputs = [ diskwright ];

  # The image holds names of store paths and needs none of them: who copies it shall not copy the closure, too.
  __structuredAttrs = true;
  unsafeDiscardReferences.out = true;

  buildCommand = ''
    mkdir -p "$out/nix-support"
    diskwright plan "$specFile" --json > "$out/${name}.plan.json"
    diskwright build "$specFile" -o "$out/${fileName}"
    echo "file sd-image $out/${fileName}" > "$out/nix-support/hydra-build-products"
  '';

  passthru = { inherit spec specFile toplevel; };
  meta.description = "Disk image of a NixOS system, with BTRFS";
}
