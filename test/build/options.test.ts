import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { buildImage } from 'diskwright'
import { expect, test } from 'vitest'
import type { BuildOptions } from '../../src/build/options.ts'
import { describeImage, inFolder } from '../images/build.ts'

test.each<[string, object, string]>([
  ['workers', { workers: -1 }, 'a whole number from 0 to 1024, found -1'],
  ['workers', { workers: NaN }, 'a whole number from 0 to 1024, found NaN'],
  ['workers', { workers: 1.5 }, 'a whole number from 0 to 1024, found 1.5'],
  ['workers', { workers: '2' }, 'a whole number from 0 to 1024, found "2"'],
  ['workers', { workers: null }, 'a whole number from 0 to 1024, found null'],
  ['format', { format: 'zip' }, '"img" or "img.zst", found "zip"'],
  ['outputLevel', { outputLevel: 0 }, 'a whole number from 1 to 22, found 0'],
  ['outputLevel', { outputLevel: '3' }, 'a whole number from 1 to 22, found "3"'],
  ['output', { output: undefined }, 'a path, a Writable or a WritableStream, found undefined'],
  ['output', { output: {} }, 'a path, a Writable or a WritableStream, found an object'],
  ['baseDirectory', { baseDirectory: 5 }, 'a path, found 5'],
  ['onProgress', { onProgress: [] }, 'a function, found an array'],
  ['signal', { signal: true }, 'an AbortSignal, found true'],
  ['force', { force: 'yes' }, 'true or false, found "yes"'],
])('option %s: %j is refused', async (name, options, message) => {
  await inFolder(async (folder) => {
    const spec = describeImage(folder, [{ entries: [] }])
    const all = { output: join(folder, 'disk.img'), baseDirectory: folder, ...options }
    const error: unknown = await buildImage(spec, all as BuildOptions).catch((error: unknown) => error)
    expect(error).toMatchObject({ message: `buildImage: option ${name}: expected ${message}` })
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true)
    expect(readdirSync(folder)).toEqual(['source-0.tar'])
  })
})

test('options are needed', async () => {
  const building = buildImage(
    { table: { type: 'mbr' }, partitions: [] },
    undefined as unknown as BuildOptions,
  )
  await expect(building).rejects.toThrow('options: expected an object, found undefined')
})

test('a misspelt option is an error that names the right one', async () => {
  const building = buildImage({ table: { type: 'mbr' }, partitions: [] }, {
    output: 'x.img',
    worker: 2,
  } as BuildOptions)
  await expect(building).rejects.toThrow('buildImage: unknown option worker: did you mean workers?')
})
