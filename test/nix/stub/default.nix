# What the tests ask of nix/: `pkgs` and `nixosSystem` as Nixpkgs has them, and the flake with a stub for its input.
let
  pkgs = import ./pkgs.nix { };
  nixosSystem = import ./nixos.nix { inherit pkgs; };
  lib = pkgs.lib // {
    inherit nixosSystem;
  };
  nixpkgs = {
    inherit lib;
    legacyPackages = lib.genAttrs [
      "x86_64-linux"
      "aarch64-linux"
    ] (_: pkgs);
  };
  flake =
    let
      self = (import ../../../flake.nix).outputs { inherit self nixpkgs; };
    in
    self;
  tools = import ../../../nix { inherit pkgs; };
  systemWith =
    settings:
    nixosSystem {
      modules = [
        ../../../nix/module.nix
        {
          system.stateVersion = "26.05";
          nixpkgs.hostPlatform = "aarch64-linux";
        }
        settings
      ];
    };
in
{
  inherit
    pkgs
    lib
    nixosSystem
    tools
    systemWith
    ;
  imageWith = settings: tools.image { nixos = systemWith settings; };
  inherit flake;

  # A flake that has this one among its inputs.
  flakeOf =
    file:
    let
      self = (import file).outputs {
        inherit self nixpkgs;
        diskwright = flake;
      };
    in
    self;
}
