# What `nix flake check` builds. Systems are evaluated and not built.
{
  pkgs,
  tools,
  # Makes a system of settings for the module.
  systemWith,
}:
let
  inherit (pkgs) lib;
  inherit (tools) diskwright;

  descriptions = lib.mapAttrs (_: settings: (tools.image { nixos = systemWith settings; }).spec) {
    pi3 = { };
    pi4-duplicated = {
      board = [
        "raspberry-pi-3"
        "raspberry-pi-4"
      ];
      BTRFSDupData = true;
      compressBoot = true;
    };
    pi4-boot-on-fat = {
      board = "raspberry-pi-4";
      bootFromBTRFS = false;
    };
    pi5.board = "raspberry-pi-5";
    uefi.board = "uefi";
  };

  closure = pkgs.closureInfo { rootPaths = [ pkgs.hello ]; };
  smallImage = pkgs.writeText "small-image.json" (
    builtins.toJSON {
      seed = "small-image";
      table.type = "gpt";
      partitions = [
        {
          type = "btrfs";
          size = "fit";
          compression = "zstd:3";
          sources = [ { nix.closureInfo = "${closure}"; } ];
        }
      ];
    }
  );
in
{
  package = diskwright;

  small-image = pkgs.runCommand "small-image" { nativeBuildInputs = [ diskwright ]; } ''
    mkdir "$out"
    diskwright build ${smallImage} -o "$out/small.img"
    diskwright verify "$out/small.img"
    diskwright cat "$out/small.img" ${pkgs.hello}/bin/hello | cmp - ${pkgs.hello}/bin/hello
  '';

  descriptions =
    pkgs.runCommand "descriptions"
      {
        nativeBuildInputs = [ diskwright ];
        # The names of store paths, without what is behind them.
        descriptions = lib.mapAttrsToList (
          name: spec: builtins.toFile "${name}.json" (builtins.unsafeDiscardStringContext (builtins.toJSON spec))
        ) descriptions;
      }
      ''
        mkdir "$out"
        for description in $descriptions; do
          diskwright plan "$description" > "$out/$(stripHash "$description").plan"
        done
      '';

  formatting = pkgs.runCommand "formatting" { nativeBuildInputs = [ pkgs.nixfmt ]; } ''
    find ${../flake.nix} ${./.} -name '*.nix' -exec nixfmt --check {} +
    touch "$out"
  '';
}
