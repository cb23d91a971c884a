/** Files that a Raspberry Pi starts from: its firmware, U-Boot, and a generated config.txt. */
export interface FirmwareSpec {
  /** Folder with the firmware; the files that the boards need are copied. */
  directory?: string
  /** The Raspberry Pi versions to boot: 3, 4, 5 or several. Default: those that have a U-Boot here, else 3 and 4. */
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
  /** systemd-boot tries an entry so often before it counts as bad: the name of its file begins with a counter. Default: entries are not counted. */
  tries?: number
  /** File of systemd-boot itself, like `systemd-bootaa64.efi`. Default: the one in the sources. */
  systemdBoot?: string
  /** Whether systemd-boot lets command lines be changed in its menu. Default: true. */
  editor?: boolean
  /** Mode of the screen of systemd-boot: `keep`, `auto`, `max` or a number. Default: `keep`. */
  consoleMode?: string
  /** Added to the kernel's command line. */
  cmdline?: string
  /** Tells the entries of several systems apart, like `a` and `b`: letters and digits. Default: none. */
  slot?: string
  /** Place in `partitions`, from 1, of the FAT32 partition for its boot files. Default: by its loader. */
  bootPartition?: number
}

/** The sources are a root file system with kernels in /boot, like that of Debian, which is made bootable. */
export interface LinuxSpec extends Omit<LoaderSpec, 'loader'> {
  /**
   * What boots it: U-Boot by an `extlinux` menu, `systemd-boot` by entries on the EFI system partition, or the firmware of a
   * Raspberry Pi (`raspberry-pi`), without U-Boot. Default: `extlinux`.
   */
  loader?: 'extlinux' | 'systemd-boot' | 'raspberry-pi'
  /** How the command line names the root; `none`: `cmdline` does, or the type of its partition. Default: `uuid`. */
  root?: 'uuid' | 'partuuid' | 'none'
  /** How many kernels are in the menu, the newest first. Default: 20. */
  kernels?: number
  /**
   * Device trees: true copies all, and U-Boot chooses; a path like `rockchip/rk3399-rock-pi-4b.dtb` takes that one; false:
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
  /** How many generations of the system profile are in the menu, with `extlinux` besides the default entry. Default: 20. */
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
