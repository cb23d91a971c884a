/** The machines on which images are booted, and the arguments of QEMU for them. */

export const MACHINE_NAMES = ['raspi3b', 'virt'] as const
export type MachineName = (typeof MACHINE_NAMES)[number]

/** Options of a machine. Paths are absolute. */
export interface MachineOptions {
  machine: MachineName
  /** The disk, in QEMU's qcow2 format. */
  disk: string
  uboot: string
  /** Device tree blob; raspi3b needs one, `virt` makes its own. */
  dtb?: string | undefined
  /** MiB. */
  memory?: number | undefined
  /** Port of this computer that leads to port 22 of the machine; without one the machine has no network. */
  sshPort?: number | undefined
  /** The terminal belongs to the machine: keys go to its console, Ctrl-A X ends it. */
  interactive?: boolean | undefined
}

interface Machine {
  /** MiB. */
  memory: number
  /** The hardware has as much and no other. */
  isMemoryFixed: boolean
  /** Size of the smallest disk it takes that holds `size` bytes. */
  diskSize: (size: number) => number
  arguments: (options: MachineOptions, console: string) => string[]
}

const SECTOR_SIZE = 512

const MACHINES: Record<MachineName, Machine> = {
  raspi3b: {
    memory: 1024,
    isMemoryFixed: true,
    // QEMU's SD cards have no other sizes.
    diskSize: (size) => 2 ** Math.ceil(Math.log2(Math.max(size, SECTOR_SIZE))),
    arguments: ({ uboot, dtb, disk, sshPort }, console) => [
      ...['-machine', 'raspi3b', '-smp', '4', '-kernel', uboot],
      // Without it U-Boot finds no hardware and says nothing. On a real one the firmware hands it over.
      ...(dtb === undefined ? [] : ['-dtb', dtb]),
      ...['-drive', `file=${quoted(disk)},format=qcow2,if=sd,cache=unsafe`],
      // The first serial port is Bluetooth's; U-Boot and the system talk on the second.
      ...['-serial', 'null', '-serial', console],
      // The network of a real one hangs on a USB chip that QEMU does not have.
      ...network('usb-net', sshPort),
    ],
  },
  virt: {
    memory: 1024,
    isMemoryFixed: false,
    diskSize: (size) => Math.ceil(size / SECTOR_SIZE) * SECTOR_SIZE,
    arguments: ({ uboot, dtb, disk, sshPort }, console) => [
      ...['-machine', 'virt', '-cpu', 'cortex-a53', '-smp', '2', '-bios', uboot],
      ...(dtb === undefined ? [] : ['-dtb', dtb]),
      ...['-drive', `file=${quoted(disk)},format=qcow2,if=none,id=disk,cache=unsafe`],
      ...['-device', 'virtio-blk-pci,drive=disk', '-serial', console],
      ...network('virtio-net-pci', sshPort),
    ],
  },
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

/** The arguments of `qemu-system-aarch64`. A reset ends it: machines that crash would start over and over. */
export function qemuArguments(options: MachineOptions): string[] {
  const machine = MACHINES[options.machine]
  const console = options.interactive ? 'mon:stdio' : 'stdio'
  return [
    ...machine.arguments(options, console),
    ...['-m', `${options.memory ?? machine.memory}M`],
    ...['-display', 'none', ...(options.interactive ? [] : ['-monitor', 'none']), '-no-reboot'],
  ]
}

/** Bytes of the disk that a machine is given: at least `size`. */
export function diskSizeFor(machine: MachineName, size: number): number {
  return MACHINES[machine].diskSize(size)
}

/** MiB of a machine whose memory cannot be chosen. */
export function fixedMemoryOf(machine: MachineName): number | undefined {
  const { memory, isMemoryFixed } = MACHINES[machine]
  return isMemoryFixed ? memory : undefined
}
