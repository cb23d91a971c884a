/** What a Raspberry Pi starts with: its firmware, U-Boot, and a config.txt that is written here. */
export interface FirmwareSpec {
  /** Folder with the files of the firmware, of which those are taken that the boards need. */
  directory?: string
  /** The Raspberry Pi versions to boot: 3, 4 or both. Default: those that have a U-Boot here, else both. */
  piVersion?: 3 | 4 | (3 | 4)[]
  /** U-Boot for a Raspberry Pi 3: becomes u-boot-rpi3.bin. */
  ubootPi3?: string
  /** U-Boot for a Raspberry Pi 4: becomes u-boot-rpi4.bin. */
  ubootPi4?: string
  /**
   * Settings for config.txt by filter, which override the built-in ones; null leaves one out.
   *
   * @example { all: { gpu_mem: 16 }, pi4: { arm_boost: null } }
   */
  config?: Record<string, Record<string, number | string | null>>
  /** Lines that are put at the end of config.txt as they are, for all boards. */
  extraConfig?: string[]
}

/** The sources are the closure of a NixOS system: what installing it adds, and what booting it needs. */
export interface NixosSpec {
  /**
   * Store path of the system to boot, like `/nix/store/...-nixos-system-...`. Default: that of the system profile in the
   * sources, or the only one there.
   */
  toplevel?: string
  /** Seconds until U-Boot boots the default entry of its menu; 0: at once, -1: never. Default: 5. */
  timeout?: number
  /** How many generations of the system profile are in the menu besides the default entry. Default: 20. */
  generations?: number
  /**
   * Device trees: true takes all, and U-Boot chooses; a path like `broadcom/bcm2837-rpi-3-b.dtb` is the one to take;
   * false leaves it to the firmware. Default: true.
   */
  deviceTree?: boolean | string
  /** File with the registration of the closure (nix-store --dump-db). Default: the one that the sources have. */
  registration?: string
  /** Folder that becomes /etc/nixos. */
  configuration?: string
}

/** The U-Boot that boots the image. */
export interface UbootSpec {
  /** Version that will read the image, like `2025.01`: what it cannot read is an error then, and not a warning. */
  version?: string
  /** Refuse to build what cannot boot. Default: true. */
  check?: boolean
}
