# `nix build .#image` makes a disk image; on the machine, in /etc/nixos, `nixos-rebuild switch` takes the system that has its
# name. The image has the module of diskwright in ./diskwright; elsewhere, the address of diskwright is where you have it from.
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
  inputs.diskwright.url = "path:./diskwright";
  inputs.diskwright.inputs.nixpkgs.follows = "nixpkgs";

  outputs =
    {
      self,
      nixpkgs,
      diskwright,
    }:
    {
      nixosConfigurations.nixos = nixpkgs.lib.nixosSystem {
        modules = [
          diskwright.nixosModules.default
          ./configuration.nix
        ];
      };

      packages.x86_64-linux.image =
        (diskwright.lib.tools { pkgs = nixpkgs.legacyPackages.x86_64-linux; }).image
          {
            nixos = self.nixosConfigurations.nixos;
          };
    };
}
