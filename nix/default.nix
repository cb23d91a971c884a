# All of it for one Nixpkgs: `import diskwright/nix { inherit pkgs; }`, also without flakes. `pkgs` are for the machine
# that builds; `pkgsArm` for the one that boots, cross-compiled unless they are the same.
{
  pkgs,
  pkgsArm ?
    if pkgs.stdenv.hostPlatform.system == "aarch64-linux" then
      pkgs
    else
      pkgs.pkgsCross.aarch64-multiplatform,
  # Another build of the command; images are made and run with it.
  diskwright ? import ./choose-package.nix { inherit (pkgs) callPackage; },
}:
let
  uboot = pkgsArm.callPackage ./uboot.nix { };
  streamClosure = pkgs.callPackage ./stream-closure.nix { };
  makeImage = pkgs.callPackage ./image.nix {
    inherit diskwright;
    # The armstub of a Pi 4 is made by an aarch64 compiler only. The firmware is files, the same for all machines.
    inherit (pkgsArm) raspberrypi-armstubs;
    inherit (pkgs) raspberrypifw;
  };
in
{
  inherit diskwright uboot streamClosure;
  closureTarball = pkgs.callPackage ./closure-tarball.nix { inherit streamClosure; };
  image = args: makeImage ({ inherit uboot; } // args);
  runVm = pkgs.callPackage ./run-vm.nix { inherit diskwright; };
}
