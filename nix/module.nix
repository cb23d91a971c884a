# A NixOS system on the BTRFS of an image: its file systems, what it boots with, and what it does when it boots first.
# The image is made with the same options (nix/image.nix), so both agree.
{ lib, ... }:
(import ./requirements.nix { inherit lib; }).checkNixpkgs {
  # A system's flake and its /etc/nixos may both bring the module.
  key = "diskwright";
  _class = "nixos";

  imports = [
    ./module/options.nix
    ./module/assertions.nix
    ./module/file-systems.nix
    ./module/boot.nix
    ./module/first-boot.nix
    ./module/image-variant.nix
  ];
}
