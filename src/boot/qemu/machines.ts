/** The machines on which images are booted, and the arguments of QEMU for them. */
import type { Emulator } from './programs.ts'

export const MACHINE_NAMES = ['raspi3b', 'virt', 'virt-uefi', 'q35'] as const
export type MachineName = (typeof MACHINE_NAMES)[number]

/** Which firmware fits a machine. */
export interface UefiKind {
  /** `x86_64` */
  architecture: string
  /** How the names of the machine's versions begin: `pc-q35-` */
  machine: string
  /** The Debian package that has it. */
  package: string
  /** Bytes of the machine's flash, if it has to be full. */
  flashSize?: number
}

/** Content of a flash memory. */
export interface FlashFile {
  /** An absolute path. */
  path: string
  /** `raw` or `qcow2`. */
  format: string
}

/** What a machine starts first. Paths are absolute. */
export type Firmware =
  | {
      uboot: string
      /** Device tree blob; raspi3b needs one, `virt` makes its own. */
      dtb?: string | undefined
    }
  | {
      /** UEFI firmware. Without `variables` it may be written to. */
      code: FlashFile
      /** Its variables, which it writes. */
      variables?: FlashFile | undefined
    }

/** Options of a machine. Paths are absolute. */
export interface MachineOptions {
  machine: MachineName
  /** The disk, in QEMU's qcow2 format. */
  disk: string
  /** Bytes of a sector of the disk: 512 by default. SD cards have no other. */
  sectorSize?: number | undefined
  firmware: Firmware
  /** MiB. */
  memory?: number | undefined
  /** Port of this computer that leads to port 22 of the machine; without one the machine has no network. */
  sshPort?: number | undefined
  /** The terminal belongs to the machine: keys go to its console, Ctrl-A X ends it. */
  interactive?: boolean | undefined
}

interface Machine {
  emulator: Emulator
  /** The UEFI firmware that it starts; without it U-Boot. */
  uefi?: UefiKind
  /** MiB. */
  memory: number
  /** The hardware has as much and no other. */
  isMemoryFixed: boolean
  /** Size of the smallest disk it takes that holds `size` bytes. */
  diskSize: (size: number, sectorSize: number) => number
  /** The machine itself, with its disk and network; `console` is where its serial port leads. */
  arguments: (options: MachineOptions, console: string) => string[]
}

const SECTOR_SIZE = 512
const wholeSectors = (size: number, sectorSize: number) => Math.ceil(size / sectorSize) * sectorSize

const MACHINES: Record<MachineName, Machine> = {
  raspi3b: {
    emulator: 'qemu-system-aarch64',
    memory: 1024,
    isMemoryFixed: true,
    // QEMU's SD cards have no other sizes.
    diskSize: (size) => 2 ** Math.ceil(Math.log2(Math.max(size, SECTOR_SIZE))),
    arguments: ({ firmware, disk, sshPort }, console) => [
      ...['-machine', 'raspi3b', '-smp', '4', ...firmwareArguments(firmware, '-kernel')],
      ...['-drive', `file=${quoted(disk)},format=qcow2,if=sd,cache=unsafe`],
      // The first serial port is Bluetooth's; U-Boot and the system talk on the second.
      ...['-serial', 'null', '-serial', console],
      // The network of a real one hangs on a USB chip that QEMU does not have.
      ...network('usb-net', sshPort),
    ],
  },
  virt: {
    emulator: 'qemu-system-aarch64',
    memory: 1024,
    isMemoryFixed: false,
    diskSize: wholeSectors,
    arguments: virtArguments,
  },
  'virt-uefi': {
    emulator: 'qemu-system-aarch64',
    // Its flash has this size and no other.
    uefi: { architecture: 'aarch64', machine: 'virt-', package: 'qemu-efi-aarch64', flashSize: 64 * 2 ** 20 },
    memory: 1024,
    isMemoryFixed: false,
    diskSize: wholeSectors,
    arguments: virtArguments,
  },
  q35: {
    emulator: 'qemu-system-x86_64',
    uefi: { architecture: 'x86_64', machine: 'pc-q35-', package: 'ovmf' },
    memory: 1024,
    isMemoryFixed: false,
    diskSize: wholeSectors,
    arguments: ({ firmware, disk, sectorSize, sshPort }, console) => [
      // All instructions that QEMU has: distributions ask for x86-64-v2 and v3.
      ...['-machine', 'q35', '-cpu', 'max', '-smp', '2', ...firmwareArguments(firmware, '-bios')],
      ...['-drive', `file=${quoted(disk)},format=qcow2,if=none,id=disk,cache=unsafe`],
      // What a PC of today has, and initrds of PCs have a driver for.
      ...[
        '-device',
        `nvme,drive=disk,serial=diskwright,bootindex=0${sectors(sectorSize)}`,
        '-serial',
        console,
      ],
      ...network('virtio-net-pci', sshPort),
    ],
  },
}

function virtArguments({ firmware, disk, sectorSize, sshPort }: MachineOptions, console: string): string[] {
  return [
    ...['-machine', 'virt', '-cpu', 'cortex-a53', '-smp', '2', ...firmwareArguments(firmware, '-bios')],
    ...['-drive', `file=${quoted(disk)},format=qcow2,if=none,id=disk,cache=unsafe`],
    ...['-device', `virtio-blk-pci,drive=disk${sectors(sectorSize)}`, '-serial', console],
    ...network('virtio-net-pci', sshPort),
  ]
}

function firmwareArguments(firmware: Firmware, uboot: '-kernel' | '-bios'): string[] {
  if ('uboot' in firmware) {
    // Without a device tree, U-Boot on raspi3b finds no hardware and says nothing. On a real one the firmware hands it over.
    return [uboot, firmware.uboot, ...(firmware.dtb === undefined ? [] : ['-dtb', firmware.dtb])]
  }
  const { code, variables } = firmware
  if (variables === undefined) return flash(0, code)
  return [...flash(0, code, ',readonly=on'), ...flash(1, variables)]
}

function flash(unit: number, { path, format }: FlashFile, more = ''): string[] {
  return ['-drive', `file=${quoted(path)},format=${format},if=pflash,unit=${unit}${more}`]
}

function sectors(size = SECTOR_SIZE): string {
  return size === SECTOR_SIZE ? '' : `,logical_block_size=${size},physical_block_size=${size}`
}

/** In QEMU's lists of options a comma ends a value; two stand for one. */
function quoted(path: string): string {
  return path.replaceAll(',', ',,')
}

function network(device: string, sshPort: number | undefined): string[] {
  if (sshPort === undefined) return ['-nic', 'none']
  const forward = `user,id=net,hostfwd=tcp:127.0.0.1:${sshPort}-:22`
  return ['-netdev', forward, '-device', `${device},netdev=net`]
}

/** The arguments of the machine's emulator. A reset ends it: machines that crash would start over and over. */
export function qemuArguments(options: MachineOptions): string[] {
  const machine = MACHINES[options.machine]
  const console = options.interactive ? 'mon:stdio' : 'stdio'
  return [
    ...machine.arguments(options, console),
    ...['-m', `${options.memory ?? machine.memory}M`],
    ...['-display', 'none', ...(options.interactive ? [] : ['-monitor', 'none']), '-no-reboot'],
  ]
}

/** The program that is the machine. */
export function emulatorOf(machine: MachineName): Emulator {
  return MACHINES[machine].emulator
}

/** The UEFI firmware that a machine starts; undefined for one that starts U-Boot. */
export function uefiOf(machine: MachineName): UefiKind | undefined {
  return MACHINES[machine].uefi
}

/** Bytes of the disk that a machine is given: at least `size`, in whole sectors. */
export function diskSizeFor(machine: MachineName, size: number, sectorSize = SECTOR_SIZE): number {
  return MACHINES[machine].diskSize(size, sectorSize)
}

/** MiB of a machine whose memory cannot be chosen. */
export function fixedMemoryOf(machine: MachineName): number | undefined {
  const { memory, isMemoryFixed } = MACHINES[machine]
  return isMemoryFixed ? memory : undefined
}
