import { describe, expect, test } from 'vitest'
import { diskSizeFor, qemuArguments } from '../../../src/boot/qemu/machines.ts'

const disk = '/tmp/d/disk.qcow2'
const uboot = '/u/u-boot.bin'
const given = { disk, firmware: { uboot } }
const raw = (path: string) => ({ path, format: 'raw' })
const MIB = 2 ** 20

describe('what QEMU is started with', () => {
  test('as a Raspberry Pi: SD card, device tree, the second serial port', () => {
    expect(qemuArguments({ machine: 'raspi3b', disk, firmware: { uboot, dtb: '/u/pi.dtb' } }).join(' ')).toBe(
      '-machine raspi3b -smp 4 -kernel /u/u-boot.bin -dtb /u/pi.dtb ' +
        '-drive file=/tmp/d/disk.qcow2,format=qcow2,if=sd,cache=unsafe -serial null -serial stdio ' +
        '-nic none -m 1024M -display none -monitor none -no-reboot',
    )
  })

  test('as its own machine: U-Boot in place of its firmware, a virtio disk', () => {
    expect(qemuArguments({ machine: 'virt', ...given, memory: 512 }).join(' ')).toBe(
      '-machine virt -cpu cortex-a53 -smp 2 -bios /u/u-boot.bin ' +
        '-drive file=/tmp/d/disk.qcow2,format=qcow2,if=none,id=disk,cache=unsafe ' +
        '-device virtio-blk-pci,drive=disk -serial stdio -nic none -m 512M -display none -monitor none -no-reboot',
    )
  })

  test('as its own machine with UEFI: firmware that is only read, and variables', () => {
    const firmware = { code: raw('/f/code.fd'), variables: raw('/tmp/d/vars.fd') }
    expect(qemuArguments({ machine: 'virt-uefi', disk, firmware }).join(' ')).toBe(
      '-machine virt -cpu cortex-a53 -smp 2 ' +
        '-drive file=/f/code.fd,format=raw,if=pflash,unit=0,readonly=on ' +
        '-drive file=/tmp/d/vars.fd,format=raw,if=pflash,unit=1 ' +
        '-drive file=/tmp/d/disk.qcow2,format=qcow2,if=none,id=disk,cache=unsafe ' +
        '-device virtio-blk-pci,drive=disk -serial stdio -nic none -m 1024M -display none -monitor none -no-reboot',
    )
  })

  test('as a PC: firmware in one file, an NVMe disk', () => {
    const args = qemuArguments({ machine: 'q35', disk, firmware: { code: raw('/f/both.fd') } })
    expect(args.join(' ')).toBe(
      '-machine q35 -cpu max -smp 2 -drive file=/f/both.fd,format=raw,if=pflash,unit=0 ' +
        '-drive file=/tmp/d/disk.qcow2,format=qcow2,if=none,id=disk,cache=unsafe ' +
        '-device nvme,drive=disk,serial=diskwright,bootindex=0 -serial stdio ' +
        '-nic none -m 1024M -display none -monitor none -no-reboot',
    )
  })

  test.each([
    ['raspi3b', 'usb-net'],
    ['virt', 'virtio-net-pci'],
    ['virt-uefi', 'virtio-net-pci'],
    ['q35', 'virtio-net-pci'],
  ] as const)('with a port of this computer alone that leads to the %s', (machine, device) => {
    const args = qemuArguments({ machine, ...given, sshPort: 2222 })
    expect(args).toContain('user,id=net,hostfwd=tcp:127.0.0.1:2222-:22')
    expect(args).toContain(`${device},netdev=net`)
    expect(args).not.toContain('-nic')
  })

  test.each([
    ['virt', 'virtio-blk-pci,drive=disk'],
    ['virt-uefi', 'virtio-blk-pci,drive=disk'],
    ['q35', 'nvme,drive=disk,serial=diskwright,bootindex=0'],
  ] as const)('with the sectors that the table of the image has, on %s', (machine, device) => {
    const args = qemuArguments({ machine, ...given, sectorSize: 4096 })
    expect(args).toContain(`${device},logical_block_size=4096,physical_block_size=4096`)
  })

  test('on a terminal, with the keys that end it', () => {
    const args = qemuArguments({ machine: 'raspi3b', ...given, interactive: true })
    expect(args.slice(args.indexOf('-serial'))).toEqual(
      expect.arrayContaining(['null', '-serial', 'mon:stdio']),
    )
    expect(args).not.toContain('-monitor')
  })

  test('commas in a path end no option', () => {
    const args = qemuArguments({ machine: 'virt', ...given, disk: '/tmp/a,b/disk.qcow2' })
    expect(args).toContain('file=/tmp/a,,b/disk.qcow2,format=qcow2,if=none,id=disk,cache=unsafe')
  })
})

test('the disk has whole sectors', () => {
  expect(diskSizeFor('q35', 704 * MIB + 1, 4096)).toBe(704 * MIB + 4096)
})

test.each([
  ['raspi3b', 1, 512],
  ['raspi3b', 704 * MIB, 1024 * MIB],
  ['raspi3b', 1024 * MIB, 1024 * MIB],
  ['raspi3b', 1024 * MIB + 1, 2048 * MIB],
  ['raspi3b', 2 ** 40 + 512, 2 ** 41],
  ['virt', 704 * MIB, 704 * MIB],
  ['virt', 513, 1024],
  ['virt-uefi', 704 * MIB, 704 * MIB],
  ['q35', 704 * MIB + 1, 704 * MIB + 512],
] as const)('the disk of a %s for %d bytes has %d', (machine, size, expected) => {
  expect(diskSizeFor(machine, size)).toBe(expected)
})
