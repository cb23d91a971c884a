{ lib }:
{
  description = "Builds and reads bootable disk images without root, loop devices or virtual machines";
  longDescription = ''
    diskwright makes disk images (GPT and MBR, FAT, BTRFS with subvolumes) from archives, folders, container images and
    the Nix store, and the same inputs give the same bytes. It also lists, extracts, verifies and compares images, and
    boots them in QEMU.
  '';
  license = lib.licenses.mit;
  platforms = lib.platforms.unix;
  mainProgram = "diskwright";
}
