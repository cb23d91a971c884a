import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { imageSink } from '../../src/lib/sink.ts'
import { fileSink } from '../../src/output/file-sink.ts'
import { temporaryFolder } from './folder.ts'
import { contentOf, same } from './operations.ts'

const folder = temporaryFolder()

test('a file gets what is written to it, and ends with the image', async () => {
  const path = join(folder, 'image')
  const handle = await open(path, 'wx+')
  const image = imageSink(fileSink(handle))
  const bytes = contentOf('noise', 100_000, 1)
  await image.reserve(0, 512)
  await image.write(4096, bytes)
  await image.patch(0, bytes.subarray(0, 512))
  same(await image.read(4096, bytes.length + 100), Buffer.concat([bytes, Buffer.alloc(100)]), 'read')
  await image.finish(200_000)
  await handle.close()
  const expected = Buffer.alloc(200_000)
  expected.set(bytes.subarray(0, 512))
  expected.set(bytes, 4096)
  same(await readFile(path), expected, 'file')
})

test('a file that cannot be written is named', async () => {
  const handle = await open(join(folder, 'read-only'), 'w').then(async (created) => {
    await created.close()
    return open(join(folder, 'read-only'), 'r')
  })
  await expect(fileSink(handle, 'read-only').write(0, new Uint8Array(1))).rejects.toThrow(
    'read-only: cannot write',
  )
  await handle.close()
})
