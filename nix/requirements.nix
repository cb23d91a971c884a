# What the files here need, and what is said where it is missing.
{ lib }:
let
  nixpkgs = "25.05";
  nix = "2.16";
in
{
  # For image.modules, and the options of NixOS that the module sets.
  checkNixpkgs =
    let
      found = lib.trivial.release;
    in
    lib.throwIfNot (lib.versionAtLeast found nixpkgs)
      "diskwright: expected Nixpkgs ${nixpkgs} or later, found ${found}: update nixpkgs (in a flake: inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-26.05\")";

  # For unsafeDiscardReferences: an older Nix would copy the system's closure wherever the image goes.
  checkNix =
    found:
    lib.throwIfNot (lib.versionAtLeast found nix)
      "diskwright: images need Nix ${nix} or later, found ${found}";
}
