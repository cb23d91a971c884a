# For `nix build .#btrfsPi3`. It is here, and not with the rest in nix/, because Nix looks for it at the top, and takes
# a flake's sources from its own folder downwards.
{
  description = "Bootable disk images with BTRFS: diskwright, and NixOS on the Raspberry Pi";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.05";

  outputs =
    { self, nixpkgs, ... }:
    let
      inherit (nixpkgs) lib;
      forSystems = lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
      ];
      toolsFor = system: import ./nix { pkgs = nixpkgs.legacyPackages.${system}; };

      exampleFor =
        piVersion:
        lib.nixosSystem {
          modules = [
            self.nixosModules.default
            ./nix/example/configuration.nix
            { diskwright = { inherit piVersion; }; }
          ];
        };
    in
    {
      nixosModules.default = ./nix/module.nix;

      # For images of your own: `diskwright.lib.x86_64-linux.image { nixos = ...; }`.
      lib = forSystems toolsFor;

      nixosConfigurations = {
        nixpi = exampleFor 3;
        nixpi4 = exampleFor 4;
      };

      packages = forSystems (
        system:
        let
          tools = toolsFor system;
          inherit (self) nixosConfigurations;
        in
        {
          inherit (tools) diskwright;
          default = tools.diskwright;
          uboot3 = tools.uboot.pi3;
          uboot4 = tools.uboot.pi4;
          btrfsPi3 = tools.image { nixos = nixosConfigurations.nixpi; };
          btrfsPi4 = tools.image {
            name = "nixos-btrfs-pi4";
            nixos = nixosConfigurations.nixpi4;
          };
          closure = tools.closureTarball {
            inherit (nixosConfigurations.nixpi.config.system.build) toplevel;
          };
        }
      );

      apps = forSystems (
        system:
        let
          tools = toolsFor system;
        in
        {
          runVm = {
            type = "app";
            program = lib.getExe (tools.runVm { image = self.packages.${system}.btrfsPi3; });
          };
        }
      );

      # The image builder's jobs for Hydra.
      hydraJobs = {
        inherit (self.packages.x86_64-linux) diskwright btrfsPi3 btrfsPi4;
      };
    };
}
