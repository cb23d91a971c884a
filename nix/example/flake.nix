# /etc/nixos/flake.nix of the example: `nixos-rebuild switch` takes the system that has the name of the machine. The image
# has the module of diskwright in ./diskwright; elsewhere, the address of diskwright is where you have it from.
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
  inputs.diskwright.url = "path:./diskwright";
  inputs.diskwright.inputs.nixpkgs.follows = "nixpkgs";

  outputs =
    { nixpkgs, diskwright, ... }:
    {
      nixosConfigurations.nixpi = nixpkgs.lib.nixosSystem {
        modules = [
          diskwright.nixosModules.default
          ./configuration.nix
        ];
      };
    };
}
