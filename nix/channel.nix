# The Nixpkgs that a system is made from, as the contents of root's channels. (nixos/lib/make-channel.nix)
{ lib, runCommand }:
{ config, pkgs }:
let
  inherit (config.system) nixos;
in
runCommand "nixos-${nixos.version}" { preferLocalBuild = true; } ''
  mkdir "$out"
  cp -R ${lib.cleanSource pkgs.path} "$out/nixos"
  chmod -R u+w "$out/nixos"
  [ -e "$out/nixos/nixpkgs" ] || ln -s . "$out/nixos/nixpkgs"
  ${lib.optionalString (nixos.revision != null) ''
    echo -n ${nixos.revision} > "$out/nixos/.git-revision"
  ''}
  echo -n ${nixos.versionSuffix} > "$out/nixos/.version-suffix"
''
