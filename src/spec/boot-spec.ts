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

/** The sources are the closure of a NixOS system, which is installed and made bootable. */
export interface NixosSpec {
  /**
   * Store path of the system to boot, like `/nix/store/...-nixos-system-...`. Default: that of the system profile in the
   * sources, or the only one there.
   */
  toplevel?: string
  /** Seconds until U-Boot boots the default entry of its menu; 0: immediately, -1: never. Default: 5. */
  timeout?: number
  /** How many generations of the system profile are in the menu besides the default entry. Default: 20. */
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
