# The command of this tree: compiled from its sources, or, in the archive of a release, as it is.
{ callPackage }:
callPackage (if builtins.pathExists ../src then ./package.nix else ./package-from-release.nix) { }
