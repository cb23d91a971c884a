/** Boot loaders outside of file systems. */
import { describe, expect, test } from 'vitest'
import type { BootDisk } from '../../src/uboot/boot-tree.ts'
import { blobAt } from '../../src/uboot/blobs/find-blobs.ts'
import { ROCKCHIP_KEY } from '../../src/uboot/blobs/format.ts'
import { blobFindings } from '../../src/uboot/blobs/lint-blobs.ts'
import { rc4 } from '../../src/uboot/blobs/rc4.ts'

const KIB = 1024

/** As U-Boot's mksunxiboot makes it. */
function egon(length = 4096): Uint8Array {
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  bytes.set(Buffer.from('\x16\0\0\xeaeGON.BT0', 'latin1'))
  bytes.set([1, 2, 3, 255], length - 4)
  view.setUint32(12, 0x5f0a6c39, true)
  view.setUint32(16, length, true)
  let sum = 0
  for (let at = 0; at < length; at += 4) sum = (sum + view.getUint32(at, true)) >>> 0
  view.setUint32(12, sum, true)
  return bytes
}

/** As U-Boot's mkimage -T rksd makes it. */
function rk30({ mark = 'RK33', isPlain = true } = {}): Uint8Array {
  const head = new Uint8Array(512)
  const view = new DataView(head.buffer)
  view.setUint32(0, 0x0ff0aa55, true)
  view.setUint32(8, isPlain ? 1 : 0, true)
  view.setUint16(12, 4, true)
  const bytes = new Uint8Array(8192)
  bytes.set(rc4(ROCKCHIP_KEY, head))
  const loader = new Uint8Array(512)
  loader.set(Buffer.from(mark))
  bytes.set(isPlain ? loader : rc4(ROCKCHIP_KEY, loader), 2048)
  return bytes
}

const rkns = () => Uint8Array.from({ length: 4096 }, (_, i) => 'RKNS'.charCodeAt(i) || 0)

function ivt({ bootData = 0x20, start = 0x877ff000 } = {}): Uint8Array {
  const bytes = new Uint8Array(4096)
  const view = new DataView(bytes.buffer)
  const self = 0x877ff400
  bytes.set([0xd1, 0, 32, 0x41])
  view.setUint32(4, 0x87800000, true)
  view.setUint32(16, self + bootData, true)
  view.setUint32(20, self, true)
  view.setUint32(32, start, true)
  view.setUint32(36, 0x80000, true)
  return bytes
}

function container(): Uint8Array {
  const bytes = new Uint8Array(4096)
  bytes.set([0, 0x20, 0x02, 0x87, 0, 0, 0, 0, 0, 0, 0, 2, 0x10, 0x01, 0, 0])
  return bytes
}

function diskOf(blobs: Record<number, Uint8Array>): BootDisk {
  const bytes = new Uint8Array(9 << 20)
  for (const [offset, blob] of Object.entries(blobs)) bytes.set(blob, Number(offset))
  return { table: 'gpt', read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)) }
}
const lint = async (blobs: Record<number, Uint8Array>) =>
  (await blobFindings(diskOf(blobs))).map(
    ({ severity, where, message }) => `${severity}: ${where}: ${message}`,
  )

const FIT = { [8 << 20]: Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed) }

describe('a sound disk', () => {
  test.each([
    ['no boot loader', {}],
    ['Allwinner at 8 KiB', { [8 * KIB]: egon() }],
    ['Allwinner at 128 KiB', { [128 * KIB]: egon(48 * KIB) }],
    ['an older Rockchip', { [32 * KIB]: rk30(), ...FIT }],
    ['an older Rockchip, encrypted', { [32 * KIB]: rk30({ isPlain: false }), ...FIT }],
    ['a newer Rockchip', { [32 * KIB]: rkns(), ...FIT }],
    ['a Rockchip with its own tools', { [32 * KIB]: rkns(), [8 << 20]: Buffer.from('LOADER  ') }],
    ['a Rockchip with a copy', { [32 * KIB]: rkns(), [544 * KIB]: rkns(), ...FIT }],
    ['i.MX 6', { [KIB]: ivt() }],
    ['i.MX 8M Plus', { [32 * KIB]: ivt() }],
    ['i.MX 8M', { [33 * KIB]: ivt() }],
    ['i.MX 93', { [32 * KIB]: container() }],
  ])('%s', async (_, blobs) => expect(await lint(blobs)).toEqual([]))
})

test('the start of an older ID block is what every such file begins with', () => {
  expect(Buffer.from(rk30().subarray(0, 4)).toString('hex')).toBe('3b8cdcfc')
})

describe('what is wrong', () => {
  const changed = (bytes: Uint8Array, at: number) => {
    bytes[at] ^= 1
    return bytes
  }
  test.each<[string, Record<number, Uint8Array>, RegExp]>([
    [
      'a sum',
      { [8 * KIB]: changed(egon(), 100) },
      /^error: Allwinner .* at 8 KiB: has a wrong checksum: expected 0x/,
    ],
    ['a length', { [8 * KIB]: changed(egon(), 16) }, /has 4097 bytes/],
    ['a cut', { [1023 * KIB]: egon(), [8 * KIB]: changed(egon(), 19) }, /is cut off/],
    [
      'a place',
      { [16 * KIB]: egon() },
      /^error: Allwinner .* at 16 KiB: the boot ROM looks at 8 KiB or 128 KiB only/,
    ],
    [
      'a place',
      { [8 * KIB]: rkns() },
      /^error: Rockchip ID block \(RKNS\) at 8 KiB: the boot ROM looks at 32 KiB only/,
    ],
    [
      'a place',
      { [2 * KIB]: ivt() },
      /^error: i.MX .* at 2 KiB: the boot ROM looks at 1 KiB or 32 KiB or 33 KiB only/,
    ],
    ['no U-Boot', { [32 * KIB]: rkns() }, /^warning: .*has no U-Boot behind it at 8 MiB/],
    ['no mark', { [32 * KIB]: rk30({ mark: 'XX33' }), ...FIT }, /its loader, 2048 bytes after its start/],
    ['boot data', { [KIB]: ivt({ bootData: 8192 }) }, /boot data outside of its head/],
    ['an entry', { [KIB]: ivt({ start: 0x1000 }) }, /begins to run outside of what is loaded/],
  ])('%s', async (_, blobs, expected) => expect(await lint(blobs)).toEqual([expect.stringMatching(expected)]))
})

test('too few bytes are no boot loader', () => {
  expect(blobAt(egon().subarray(0, 100))).toBeUndefined()
})
