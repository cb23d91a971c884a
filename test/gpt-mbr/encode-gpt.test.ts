import { expect, test } from 'vitest'
import { encodeGpt } from '../../src/gpt-mbr/write/gpt.ts'

const MIB = 2 ** 20
const NO_GUID = '00000000-0000-0000-0000-000000000000'
const partition = {
  start: MIB,
  size: MIB,
  type: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  guid: '0D8C1F3E-9B57-4A0C-8F12-63D1B2A4E597',
}
const disk = { diskSize: 16 * MIB, diskGuid: '6A1C5D7E-2F0B-4C93-9D48-1B5E0F7A3C62', partitions: [] }
const ATTRIBUTES = 'partition 1: attributes: expected a bigint from 0 to 2^64 - 1'

test('attributes may take all 64 bits', () => {
  const partitions = [{ ...partition, attributes: 2n ** 64n - 1n }]
  const [, backup] = encodeGpt({ ...disk, partitions })
  expect([...backup.bytes.subarray(48, 56)]).toEqual(Array(8).fill(255))
})

test.each<[object, Error]>([
  [{ partitions: undefined }, new TypeError('partitions: expected an array, found undefined')],
  [{ diskGuid: undefined }, new TypeError('diskGuid: expected a text, found undefined')],
  [{ diskSize: '16MiB' }, new TypeError('diskSize: expected a number, found "16MiB"')],
  [{ diskGuid: NO_GUID }, new RangeError('the disk: expected a unique GUID, found all zeros')],
  [{ partitions: [null] }, new TypeError('partition 1: expected an object, found null')],
])('a disk with %o is refused', (wrong, error) => {
  expect(() => encodeGpt({ ...disk, ...wrong })).toThrow(error)
})

test.each<[object, Error]>([
  [{ guid: undefined }, new TypeError('partition 1: guid: expected a text, found undefined')],
  [{ guid: NO_GUID }, new RangeError('partition 1: expected a unique GUID, found all zeros')],
  [{ name: null }, new TypeError('partition 1: name: expected a text, found null')],
  [{ start: '1MiB' }, new TypeError('partition 1: start: expected a number, found "1MiB"')],
  [{ attributes: 2n ** 64n }, new RangeError(`${ATTRIBUTES}, found 18446744073709551616`)],
  [{ attributes: -1n }, new RangeError(`${ATTRIBUTES}, found -1`)],
  [{ attributes: 4 }, new TypeError(`${ATTRIBUTES}, found 4`)],
])('a partition with %o is refused', (wrong, error) => {
  expect(() => encodeGpt({ ...disk, partitions: [{ ...partition, ...wrong }] })).toThrow(error)
})
