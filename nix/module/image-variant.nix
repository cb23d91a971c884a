# `nixos-rebuild build-image --image-variant diskwright`, and `system.build.images.diskwright`.
{
  image.modules.diskwright =
    {
      config,
      lib,
      modulesPath,
      pkgs,
      ...
    }:
    {
      imports = [ (modulesPath + "/image/file-options.nix") ];

      diskwright.enable = true;
      image = {
        baseName = lib.mkDefault "nixos-diskwright-${config.system.nixos.label}-${pkgs.stdenv.hostPlatform.system}";
        extension = "img.zst";
      };
      system.build.image =
        (import ../. {
          # Of a system that is cross-compiled, the packages that run where it is built.
          pkgs = pkgs.buildPackages;
          pkgsArm = pkgs;
          diskwright = config.diskwright.package;
        }).image
          {
            nixos = { inherit config pkgs; };
            name = config.image.baseName;
            inherit (config.image) fileName;
          };
    };
}
