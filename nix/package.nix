# The command `diskwright`.
{
  lib,
  buildNpmPackage,
  importNpmLock,
  nodejs_22,
  # Where packages come from. Evaluation that is pure does not see the environment.
  npmRegistry ? builtins.getEnv "NPM_CONFIG_REGISTRY",
}:
let
  root = ../.;
  inherit (lib.importJSON (root + "/package.json")) version;
  lock = lib.importJSON (root + "/package-lock.json");

  registry =
    if npmRegistry != "" then
      lib.removeSuffix "/" npmRegistry
    else
      throw "diskwright: from which npm registry? Override npmRegistry, or set NPM_CONFIG_REGISTRY and evaluate with --impure";

  # The lock file has a hash of every package, and leaves open where to get it.
  withAddress =
    path: module:
    let
      name = module.name or (lib.last (lib.splitString "node_modules/" path));
      file = "${lib.last (lib.splitString "/" name)}-${module.version}.tgz";
    in
    if path == "" || module ? resolved || module.link or false then
      module
    else
      module // { resolved = "${registry}/${name}/-/${file}"; };
  packageLock = lock // {
    packages = lib.mapAttrs withAddress lock.packages;
  };
in
buildNpmPackage {
  pname = "diskwright";
  inherit version;
  src = lib.fileset.toSource {
    inherit root;
    fileset = lib.fileset.unions [
      (root + "/src")
      (root + "/scripts")
      (root + "/package.json")
      (root + "/package-lock.json")
      (root + "/tsconfig.json")
      (root + "/tsconfig.build.json")
      (root + "/README.md")
      (root + "/CHANGELOG.md")
      (root + "/LICENSE")
    ];
  };

  # Node 22 has zstd built in, so the optional package with a native part is not compiled. Other optional packages are
  # needed: the build's bundler is one for each platform.
  nodejs = nodejs_22;
  npmFlags = [ "--ignore-scripts" ];
  npmRebuildFlags = [ "--ignore-scripts" ];
  npmDeps = importNpmLock {
    npmRoot = root;
    inherit packageLock;
  };
  inherit (importNpmLock) npmConfigHook;

  meta = {
    description = "Builds and reads bootable disk images (MBR, FAT32, BTRFS with subvolumes)";
    license = lib.licenses.mit;
    mainProgram = "diskwright";
  };
}
