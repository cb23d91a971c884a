/** A new file system is a driver in the table: here one that holds a single file. */
import { expect, test } from 'vitest'
import { readDiskImage } from '../../../src/image/disk-image.ts'
import type { FileSystemDriver } from '../../../src/image/drivers/driver.ts'
import { hasMagic } from '../../../src/image/drivers/magic.ts'
import { fileSystemDrivers } from '../../../src/image/drivers/table.ts'
import type { FileSystemUsage } from '../../../src/image/public-types.ts'
import { inspectDisk } from '../../../src/image/inspect-disk.ts'
import { verifyDisk } from '../../../src/image/verify-disk.ts'
import { openBytes } from '../../../src/input/open-bytes.ts'
import { mismatch } from '../../../src/lib/finding.ts'
import { MemoryReader } from '../../file-tree/memory-reader.ts'

const MAGIC = { offset: 0, magic: 'TOYFS' }

const toy: FileSystemDriver<'toyfs'> = {
  name: 'toy',
  title: 'TOYFS',
  types: ['toyfs'],
  linux: { magic: 0x746f79, name: 'toyfs' },
  *identify(start) {
    return hasMagic(start, MAGIC) ? { type: 'toyfs', label: 'BOX', uuid: '1' } : undefined
  },
  async open(source) {
    const content = await source.read(512, 4)
    return {
      type: 'toyfs',
      label: 'BOX',
      uuid: '1',
      reader: new MemoryReader({ toy: content }),
      usage: () => Promise.resolve({ type: 'toyfs' } as unknown as FileSystemUsage),
    }
  },
  async check(source, { onFinding }) {
    const [first] = await source.read(512, 1)
    if (first !== 0x41)
      onFinding(mismatch({ where: 'toy', offset: 512, expected: 'A', found: String(first) }))
  },
}

test('is identified, opened, checked and measured like any other', async () => {
  const bytes = new Uint8Array(1 << 20)
  bytes.set(new TextEncoder().encode(MAGIC.magic))
  bytes.set(new TextEncoder().encode('Bear'), 512)
  const drivers = [...fileSystemDrivers, toy]
  const image = await readDiskImage(await openBytes(bytes), { drivers })
  const partition = image.partition('BOX')
  expect(partition).toMatchObject({ contentType: 'toyfs', fileSystemType: 'toyfs', driver: toy })
  const files = await partition.open()
  expect(new TextDecoder().decode(await files.readFile('/toy'))).toBe('Bear')
  expect(await files.subvolumes()).toEqual([])
  expect(await verifyDisk(image, {})).toMatchObject({
    counts: { error: 1 },
    findings: [{ where: 'toy', offset: 512, content: 'toyfs' }],
  })
  expect((await inspectDisk(image, {})).partitions[0]).toMatchObject({ fileSystem: { type: 'toyfs' } })
})
