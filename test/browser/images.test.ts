/** Images as a browser reads them, here in Node. */
import { mkdtempSync, openAsBlob, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { extractTar as extractTarFile } from '../../src/image/extract/extract.ts'
import { extractTar, inspectImage, openImage, verifyImage } from '../../src/browser/index.ts'
import { buildReadable } from '../images/readable.ts'

let folder: string
let raw: string
let zstd: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-browser-'))
  ;({ raw, zstd } = await buildReadable(folder))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const bytesOf = async (stream: ReadableStream<Uint8Array>) =>
  Buffer.from(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer())

describe.each([
  ['a Blob', () => openAsBlob(raw)],
  ['a Blob of zstd', () => openAsBlob(zstd)],
  ['bytes', () => Promise.resolve(new Uint8Array(readFileSync(zstd)))],
])('%s', (_, create) => {
  test('is opened, verified and inspected', async () => {
    const source = await create()
    const image = await openImage(source)
    expect(image.partitions.map(({ fileSystemType, label }) => [fileSystemType, label])).toEqual([
      ['fat32', 'FIRMWARE'],
      ['btrfs', 'ROOT'],
    ])
    const root = await image.partition('ROOT').open()
    expect(new TextDecoder().decode(await root.readFile('/@/etc/hostname'))).toBe('disk\n')
    expect((await verifyImage(source, { quick: true })).counts.error).toBe(0)
    expect((await verifyImage(image)).findings).toEqual([])
    expect((await inspectImage(source)).partitions.map(({ content }) => content)).toEqual(['fat32', 'btrfs'])
    await image.close()
  })

  test('is extracted to the same bytes as in Node', async () => {
    const output = join(folder, 'etc.tar')
    await extractTarFile(raw, { partition: 'ROOT', path: '/@', output, force: true })
    const stream = extractTar(await create(), { partition: 'ROOT', path: '/@' })
    expect((await bytesOf(stream)).equals(readFileSync(output))).toBe(true)
  })
})

test('what is compressed as a whole is refused', async () => {
  const gzip = gzipSync(readFileSync(raw).subarray(0, 1 << 20))
  await expect(openImage(gzip)).rejects.toThrow('found gzip (it can only be read front to back)')
})

test('errors are errors of the stream, and a stream may be cancelled', async () => {
  const missing = extractTar(readFileSync(raw), { partition: 'ROOT', path: '/@/no/such' })
  await expect(bytesOf(missing)).rejects.toThrow('has no "no"')
  const several = extractTar(readFileSync(raw))
  await expect(bytesOf(several)).rejects.toThrow('expected one partition with a file system, found 1, 2')
  const reader = extractTar(readFileSync(raw), { partition: 'ROOT' }).getReader()
  expect((await reader.read()).value!.length).toBeGreaterThan(0)
  await reader.cancel()
})
