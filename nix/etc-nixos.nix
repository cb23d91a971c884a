# /etc/nixos of an image: a folder, with this module beside it, and if wanted the history that Git keeps.
{
  lib,
  gitMinimal,
  runCommand,
  writeText,
}:
{
  configuration,
  initGit ? false,
}:
let
  # All that ./diskwright/module.nix reads. The package is not needed to rebuild a system.
  module = lib.fileset.toSource {
    root = ./.;
    fileset = lib.fileset.unions [
      ./boards.nix
      ./first-boot.sh
      ./module
      ./module.nix
      ./requirements.nix
      ./subvolumes.nix
      ./uboot-overlay.nix
      ./uboot.nix
    ];
  };

  # For flakes that have the module among their inputs, as "path:./diskwright".
  flake = writeText "flake.nix" ''
    {
      description = "NixOS on the BTRFS of an image, without what makes images";
      inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
      outputs = _: { nixosModules.default = ./module.nix; };
    }
  '';
in
runCommand "etc-nixos" { nativeBuildInputs = lib.optional initGit gitMinimal; } (
  ''
    cp -R ${configuration} "$out"
    chmod -R u+w "$out"
    if [ ! -e "$out/diskwright" ]; then
      cp -R ${module} "$out/diskwright"
      chmod -R u+w "$out/diskwright"
      cp ${flake} "$out/diskwright/flake.nix"
    fi
  ''
  # Author and time are fixed. So is the index, which git would fill with the times and inodes of the files here:
  # read-tree leaves them out, and the first `git status` looks at the files.
  + lib.optionalString initGit ''
    cd "$out"
    if [ ! -e .git ]; then
      export HOME=$TMPDIR GIT_CONFIG_NOSYSTEM=1
      export GIT_AUTHOR_NAME=root GIT_AUTHOR_EMAIL=root@localhost GIT_AUTHOR_DATE='@315532800 +0000'
      export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
      git -c init.defaultBranch=main init --quiet --template=
      git add --all --force
      git commit --quiet --message='As it came with the image'
      rm .git/index
      git read-tree HEAD
      rm -rf .git/logs .git/COMMIT_EDITMSG
    fi
  ''
)
