# For `nix build .#btrfsPi3`. It is here, and not with the rest in nix/, because Nix looks for it at the top, and takes
# a flake's sources from its own folder downwards.
{
  description = "Bootable disk images with BTRFS: diskwright, and NixOS on the Raspberry Pi";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs, ... }:
    let
      inherit (nixpkgs) lib;
      forSystems = lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
      ];
      pkgsFor = system: nixpkgs.legacyPackages.${system};
      toolsFor = system: self.lib.tools { pkgs = pkgsFor system; };

      exampleFor =
        board:
        lib.nixosSystem {
          modules = [
            self.nixosModules.default
            ./nix/example/configuration.nix
            { diskwright = { inherit board; }; }
          ];
        };
    in
    {
      # For images of your own: `(diskwright.lib.tools { inherit pkgs; }).image { nixos = ...; }`.
      lib.tools = import ./nix;

      overlays.default = import ./nix/overlay.nix;

      nixosModules.default = ./nix/module.nix;

      nixosConfigurations = {
        nixpi = exampleFor "raspberry-pi-3";
        nixpi4 = exampleFor "raspberry-pi-4";
      };

      templates = {
        raspberry-pi = {
          path = ./nix/example;
          description = "NixOS on BTRFS for the Raspberry Pi 3, 4 and 5";
        };
        uefi = {
          path = ./nix/example-uefi;
          description = "NixOS on BTRFS for machines with UEFI, with systemd-boot";
        };
        default = self.templates.raspberry-pi;
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
          uboot5 = tools.uboot.pi5;
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
          default = {
            type = "app";
            program = lib.getExe tools.diskwright;
            meta = { inherit (tools.diskwright.meta) description; };
          };
          runVm = {
            type = "app";
            program = lib.getExe (tools.runVm { image = self.packages.${system}.btrfsPi3; });
            meta.description = "Boots the example's image in QEMU";
          };
        }
      );

      checks = forSystems (
        system:
        import ./nix/checks.nix {
          pkgs = pkgsFor system;
          tools = toolsFor system;
          systemWith =
            settings:
            lib.nixosSystem {
              modules = [
                self.nixosModules.default
                {
                  diskwright = settings // {
                    enable = true;
                  };
                  nixpkgs.hostPlatform = "aarch64-linux";
                  system.stateVersion = "26.05";
                }
              ];
            };
        }
      );

      formatter = forSystems (system: (pkgsFor system).nixfmt-tree);

      # The image builder's jobs for Hydra.
      hydraJobs = {
        inherit (self.packages.x86_64-linux) diskwright btrfsPi3 btrfsPi4;
        inherit (self) checks;
      };
    };
}
