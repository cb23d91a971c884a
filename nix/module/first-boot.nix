{
  config,
  lib,
  pkgs,
  ...
}:
let
  firstBoot = pkgs.writeShellApplication {
    name = "first-boot";
    runtimeInputs = [
      pkgs.btrfs-progs
      pkgs.coreutils
      pkgs.util-linux
      config.nix.package
    ];
    text = builtins.readFile ../first-boot.sh;
  };
in
{
  # Before whoever asks Nix's database, and thus before the sockets: without the usual dependencies, which would put
  # it after them.
  systemd.services.diskwright-first-boot = lib.mkIf config.diskwright.enable {
    description = "Grow the root file system and register the Nix store";
    wantedBy = [ "sysinit.target" ];
    after = [ "local-fs.target" ];
    before = [
      "sysinit.target"
      "shutdown.target"
      "nix-daemon.socket"
      "nix-daemon.service"
    ];
    conflicts = [ "shutdown.target" ];
    # A rebuild has no part in the first boot, even while that one has to be tried again.
    restartIfChanged = false;
    unitConfig = {
      DefaultDependencies = false;
      ConditionPathExists = "/nix-path-registration";
      RequiresMountsFor = [
        "/nix/store"
        "/nix/var"
      ];
    };
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = lib.getExe firstBoot;
    };
  };
}
