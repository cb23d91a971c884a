{ config, lib, ... }:
let
  cfg = config.diskwright;
  firmware = {
    device = "/dev/disk/by-label/${cfg.firmwareLabel}";
    fsType = "vfat";
  };
in
{
  fileSystems = lib.mkIf cfg.enable (
    lib.mapAttrs' (
      name: path:
      lib.nameValuePair path {
        device = "/dev/disk/by-label/${cfg.label}";
        fsType = "btrfs";
        options = cfg.mountOptions ++ [ "subvol=${name}" ];
      }
    ) (lib.filterAttrs (_: path: path != null) cfg.subvolumes)
    // (
      if cfg.bootFromBTRFS then
        {
          # It is for changes of the firmware only.
          "/boot/firmware" = firmware // {
            options = [
              "nofail"
              "noauto"
            ];
          };
        }
      else
        {
          # nixos-rebuild writes kernels where the boot loader looks for them.
          "/boot" = firmware // {
            options = [ "umask=0077" ];
          };
        }
    )
  );
}
