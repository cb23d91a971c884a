# `nix run .#runVm`: boots an image in QEMU's Raspberry Pi 3, with the U-Boot and the device tree on it. The image
# stays as it is. What is given to it goes to `diskwright boot`: `--ssh-port 2222`, `--keep disk.img`.
{
  diskwright,
  qemu,
  writeShellApplication,
}:
{ image }:
writeShellApplication {
  name = "run-nixos-vm";
  runtimeInputs = [
    diskwright
    qemu
  ];
  text = ''
    exec diskwright boot ${image}/${image.name}.img.zst --machine raspi3b --disk-size 8GiB "$@"
  '';
}
