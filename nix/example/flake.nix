# /etc/nixos/flake.nix of the example: `nixos-rebuild switch --flake /etc/nixos#nixpi`. The address of diskwright is
# where you have it from.
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.05";
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
