# An overlay for Nixpkgs, in which the U-Boots of Raspberry Pis read BTRFS and zstd.
_final: prev:
let
  uboot = import ./uboot.nix {
    inherit (prev)
      lib
      ubootRaspberryPi3_64bit
      ubootRaspberryPi4_64bit
      ubootRaspberryPiAarch64
      ;
  };
in
{
  ubootRaspberryPi3_64bit = uboot.pi3;
  ubootRaspberryPi4_64bit = uboot.pi4;
  ubootRaspberryPiAarch64 = uboot.pi5;
}
