/** Arguments that are mistakes of the calling program. */
import { expect, test } from 'vitest'
import { extractTar as extractTarStream } from '../../../src/browser/index.ts'
import { extractTar, extractTo } from '../../../src/image/extract/extract.ts'
import { FileSystem } from '../../../src/image/file-system.ts'
import { OutputError } from '../../../src/lib/errors.ts'
import { directory, fakeFileSystem } from './fake-reader.ts'

const { reader, source } = fakeFileSystem(directory())
const opened = { type: 'fat32', label: '', uuid: '', reader }
const fileSystem = new FileSystem({ opened: opened as never, source })

test('a file system has no partitions', async () => {
  const message = 'option partition: expected none for a FileSystem, which is that of one partition'
  const options = { partition: 1 }
  await expect(extractTar(fileSystem, { ...options, output: 'not-made.tar' })).rejects.toThrow(
    new TypeError(`extractTar: ${message}`),
  )
  await expect(extractTo(fileSystem, 'not-made', options)).rejects.toThrow(
    new TypeError(`extractTo: ${message}`),
  )
  expect(() => extractTarStream(fileSystem, options)).toThrow(new TypeError(`extractTar: ${message}`))
})

test('the directory must have a name', async () => {
  await expect(extractTo('not-there.img', '')).rejects.toThrow(
    new OutputError('"": expected the name of a directory'),
  )
  for (const missing of [undefined, null]) {
    await expect(extractTo('not-there.img', missing as never)).rejects.toThrow(
      new TypeError(`extractTo: directory: expected a path, found ${missing}`),
    )
  }
})
