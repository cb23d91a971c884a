# The command `diskwright`, compiled from the sources in this repository. They name no address of a registry: npm asks the
# one that it knows for each package of package-lock.json.
{
  lib,
  buildNpmPackage,
  callPackage,
  importNpmLock,
  nodejs,
  stdenv,
  versionCheckHook,
}:
let
  root = ../.;
  inherit (lib.importJSON (root + "/package.json")) version;
  lock = lib.importJSON (root + "/package-lock.json");
  fetchNpmPackage = callPackage ./npm-package.nix { inherit nodejs; };

  # Packages with native parts have one optional package for each platform. npm leaves out those of other platforms
  # without a look at them.
  inherit (stdenv.buildPlatform) node;
  libc = if stdenv.buildPlatform.isMusl then "musl" else "glibc";
  fits =
    module:
    lib.elem node.platform (module.os or [ node.platform ])
    && lib.elem node.arch (module.cpu or [ node.arch ])
    && lib.elem libc (module.libc or [ libc ]);
  notForHere = builtins.toFile "not-for-this-platform.tgz" "";

  tarball =
    path: module:
    if fits module then
      fetchNpmPackage {
        name = module.name or (lib.last (lib.splitString "node_modules/" path));
        inherit (module) version integrity;
      }
    else
      notForHere;
  tarballs = lib.mapAttrs tarball (removeAttrs lock.packages [ "" ]);
  npmDeps = importNpmLock {
    npmRoot = root;
    packageSourceOverrides = tarballs;
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

  # The build's bundler is an optional package for each platform. Those that the library could use have native parts, and
  # are not installed: zstd is in Node itself, and koffi comes compiled.
  inherit nodejs;
  npmFlags = [ "--ignore-scripts" ];
  npmRebuildFlags = [ "--ignore-scripts" ];
  npmPruneFlags = [ "--omit=optional" ];
  inherit npmDeps;
  inherit (importNpmLock) npmConfigHook;

  # npm notes where each package came from, which would keep the tarballs in the closure: those of the build's tools, too.
  postInstall = ''
    rm -f "$out"/lib/node_modules/diskwright/node_modules/.package-lock.json
  '';
  disallowedReferences = [ npmDeps ] ++ lib.attrValues tarballs;

  doInstallCheck = true;
  nativeInstallCheckInputs = [ versionCheckHook ];

  meta = import ./meta.nix { inherit lib; } // {
    # A package has WebAssembly.
    sourceProvenance = [
      lib.sourceTypes.fromSource
      lib.sourceTypes.binaryBytecode
    ];
  };
}
