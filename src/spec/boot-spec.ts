/** Files from which a Raspberry Pi starts: its firmware, U-Boot, and a generated config.txt. */
export interface FirmwareSpec {
  /** Folder with the firmware; the files that the boards need are copied. */
  directory?: string
  /** The Raspberry Pi versions to boot: 3, 4, 5 or several. Default: those with a U-Boot given here, otherwise 3 and 4. */
  piVersion?: 3 | 4 | 5 | (3 | 4 | 5)[]
  /** U-Boot for a Raspberry Pi 3: becomes u-boot-rpi3.bin. */
  ubootPi3?: string
  /** U-Boot for a Raspberry Pi 4: becomes u-boot-rpi4.bin. */
  ubootPi4?: string
  /** U-Boot for a Raspberry Pi 5: becomes u-boot-rpi5.bin. */
  ubootPi5?: string
  /**
   * Settings for config.txt by filter, which override the built-in ones; null removes one.
   *
   * @example { all: { gpu_mem: 16 }, pi4: { arm_boost: null } }
   */
  config?: Record<string, Record<string, number | string | null>>
  /** Lines appended to config.txt unchanged, for all boards. */
  extraConfig?: string[]
}

/** How a system is booted. */
export interface LoaderSpec {
  /**
   * What boots it: U-Boot by an `extlinux` menu, or `systemd-boot` by entries on the EFI system partition. Default:
   * `extlinux`.
   */
  loader?: 'extlinux' | 'systemd-boot'
  /** Seconds until the default entry of the menu is booted; 0: immediately, -1: never. Default: 5. */
  timeout?: number
  /** How often systemd-boot tries an entry before it counts as bad: the file name of the entry has a counter. Default: tries are not counted. */
  tries?: number
  /** The systemd-boot binary, like `systemd-bootaa64.efi`. Default: the one in the sources. */
  systemdBoot?: string
  /** Whether command lines can be edited in the menu of systemd-boot. Default: true. */
  editor?: boolean
  /** Console mode of systemd-boot: `keep`, `auto`, `max` or a number. Default: `keep`. */
  consoleMode?: string
  /** Added to the command line of the kernel; with `linux`, used instead of /etc/kernel/cmdline of the system. */
  cmdline?: string
  /** A name that distinguishes the entries of several systems, like `a` and `b`: letters and digits. Default: none. */
  slot?: string
  /** Position in `partitions`, from 1, of the FAT32 partition for its boot files. Default: depends on the loader. */
  bootPartition?: number
}

/** The sources are a root file system with kernels in /boot, like that of Debian, which is made bootable. */
export interface LinuxSpec extends Omit<LoaderSpec, 'loader'> {
  /**
   * What boots it: U-Boot by an `extlinux` menu, `systemd-boot` by entries on the EFI system partition, or the firmware of a
   * Raspberry Pi (`raspberry-pi`), without U-Boot. Default: `extlinux`.
   */
  loader?: 'extlinux' | 'systemd-boot' | 'raspberry-pi'
  /** How the command line names the root; with `none`, `cmdline` or the type of the partition identifies it. Default: `uuid`. */
  root?: 'uuid' | 'partuuid' | 'none'
  /** Number of kernels in the menu, the newest first. Default: 20. */
  kernels?: number
  /**
   * Device trees: true copies all, and U-Boot chooses; a path like `rockchip/rk3399-rock-pi-4b.dtb` selects that one; false:
   * none. Default: true.
   */
  deviceTree?: boolean | string
}

/** The sources are the closure of a NixOS system, which is installed and made bootable. */
export interface NixosSpec extends LoaderSpec {
  /**
   * Store path of the system to boot, like `/nix/store/...-nixos-system-...`. Default: that of the system profile in the
   * sources, or the only one there.
   */
  toplevel?: string
  /** Number of generations of the system profile in the menu; with `extlinux`, in addition to the default entry. Default: 20. */
  generations?: number
  /**
   * Device trees: true copies all, and U-Boot chooses; a path like `broadcom/bcm2837-rpi-3-b.dtb` copies that one;
   * false leaves the choice to the firmware. Default: true.
   */
  deviceTree?: boolean | string
  /** File with the registration of the closure (nix-store --dump-db). Default: the one in the sources. */
  registration?: string
  /** Folder that becomes /etc/nixos. */
  configuration?: string
}

/** The U-Boot that boots the image. */
export interface UbootSpec {
  /** Version that reads the image, like `2025.01`; anything it cannot read is then an error instead of a warning. */
  version?: string
  /** Refuse to build an image that cannot boot. Default: true. */
  check?: boolean
}
