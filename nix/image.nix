# The image of a NixOS system. An ordinary derivation: it wants no virtual machine, no /dev/kvm and no other feature
# of its builder, so that remote builders and Hydra make it, whatever machine the system is for.
{
  lib,
  closureInfo,
  diskwright,
  raspberrypi-armstubs,
  raspberrypifw,
  runCommand,
  stdenvNoCC,
  writeText,
}:
{
  # What `nixosSystem` gives.
  nixos,
  # As nix/uboot.nix makes it.
  uboot,
  name ? "nixos-btrfs-pi",
  # More for the store of the image, sources of Nixpkgs for instance.
  extraPaths ? [ ],
  firmware ? "${raspberrypifw}/share/raspberrypi/boot",
}:
let
  inherit (nixos) config;
  inherit (config.system.build) toplevel;
  extlinux = config.boot.loader.generic-extlinux-compatible;

  armstubs = runCommand "armstub8-gic" { } ''
    mkdir "$out"
    cp ${raspberrypi-armstubs}/armstub8-gic.bin "$out/"
  '';

  # Its text names all store paths, so that the builder sees them, and diskwright reads the files where they lie.
  closure = closureInfo { rootPaths = [ toplevel ] ++ extraPaths; };

  spec = import ./spec.nix { inherit lib; } {
    settings = config.diskwright;
    inherit
      toplevel
      firmware
      armstubs
      uboot
      ;
    closure.nix.closureInfo = "${closure}";
    inherit (config.boot.loader) timeout;
    generations = extlinux.configurationLimit;
    deviceTree =
      if !extlinux.useGenerationDeviceTree then
        false
      else if config.hardware.deviceTree.name != null then
        config.hardware.deviceTree.name
      else
        true;
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
    diskwright build "$specFile" -o "$out/${name}.img.zst"
    echo "file sd-image $out/${name}.img.zst" > "$out/nix-support/hydra-build-products"
  '';

  passthru = { inherit spec specFile toplevel; };
  meta.description = "Image of a NixOS system for the Raspberry Pi, with BTRFS";
}
