# `pkgs.diskwright` and what makes images with it, `pkgs.diskwrightTools`.
final: _prev: {
  diskwright = import ./choose-package.nix { inherit (final) callPackage; };
  diskwrightTools = import ./. {
    pkgs = final;
    inherit (final) diskwright;
  };
}
