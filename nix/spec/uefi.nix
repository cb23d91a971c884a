# What a machine with UEFI wants of an image: a GPT, and systemd-boot with its entries on the EFI system partition.
_:
{
  settings,
  arch,
  systemdBoot,
  ...
}:
{
  image.table.type = "gpt";
  fat.gptType = "esp";
  btrfs.gptType = "root-${arch}";
  subvolume = _: { };
  nixos = {
    loader = "systemd-boot";
  }
  // systemdBoot;
}
