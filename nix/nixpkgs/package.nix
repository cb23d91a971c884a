# For Nixpkgs: pkgs/by-name/di/diskwright/package.nix. It stands alone, as files there do.
{
  lib,
  buildNpmPackage,
  diskwright,
  fetchFromGitHub,
  hello,
  closureInfo,
  nix-update-script,
  npm-lockfile-fix,
  runCommand,
  versionCheckHook,
  writers,
}:
buildNpmPackage (finalAttrs: {
  pname = "diskwright";
  version = "0.1.0";

  # Before it is sent: the address at which the sources are published, and the hashes of what is there.
  src = fetchFromGitHub {
    owner = "diskwright";
    repo = "diskwright";
    tag = "v${finalAttrs.version}";
    # The lock file has hashes and no addresses.
    postFetch = "${lib.getExe npm-lockfile-fix} $out/package-lock.json";
    hash = lib.fakeHash;
  };
  npmDepsHash = lib.fakeHash;

  # The optional packages have native parts: zstd is in Node itself, and koffi would come compiled.
  npmFlags = [ "--ignore-scripts" ];
  npmRebuildFlags = [ "--ignore-scripts" ];
  npmPruneFlags = [ "--omit=optional" ];

  doInstallCheck = true;
  nativeInstallCheckInputs = [ versionCheckHook ];

  passthru = {
    updateScript = nix-update-script { };
    # An image of a closure, read back.
    tests.image =
      let
        description = writers.writeJSON "diskwright-test.json" {
          seed = "test";
          table.type = "gpt";
          partitions = [
            {
              type = "btrfs";
              size = "fit";
              compression = "zstd:3";
              sources = [ { nix.closureInfo = "${closureInfo { rootPaths = [ hello ]; }}"; } ];
            }
          ];
        };
      in
      runCommand "diskwright-test-image" { nativeBuildInputs = [ diskwright ]; } ''
        diskwright build ${description} -o disk.img
        diskwright verify disk.img
        diskwright cat disk.img ${lib.getExe hello} | cmp - ${lib.getExe hello}
        touch "$out"
      '';
  };

  meta = {
    description = "Builder and reader of bootable disk images that needs no root, loop devices or virtual machines";
    longDescription = ''
      diskwright makes disk images (GPT and MBR, FAT, BTRFS with subvolumes) from archives, folders, container images
      and the Nix store, and the same inputs give the same bytes. It also lists, extracts, verifies and compares images,
      and boots them in QEMU.
    '';
    homepage = "https://github.com/diskwright/diskwright";
    changelog = "https://github.com/diskwright/diskwright/blob/v${finalAttrs.version}/CHANGELOG.md";
    license = lib.licenses.mit;
    # Whoever sends it.
    maintainers = [ ];
    platforms = lib.platforms.unix;
    mainProgram = "diskwright";
  };
})
