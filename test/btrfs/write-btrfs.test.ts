/** One file system alone: any entries into any sink. */
import { describe, expect, test } from 'vitest'
import {
  checkBtrfs,
  drive,
  fromText,
  DoesNotFitError,
  InputError,
  memorySink,
  memorySource,
  openBtrfs,
  SpecError,
  toText,
  writeBtrfs,
  type BtrfsWriteServices,
  type Entry,
  type Sink,
} from '../../src/btrfs/index.ts'
import { noise, text, type BtrfsOptions } from '../images/build.ts'
import { entryOf, inPieces, TREE } from './entry-tree.ts'

describe('a file system alone', () => {
  test('takes an array of entries made by hand, in any order', async () => {
    const sink = memorySink()
    const { subvolumes } = await writeBtrfs(
      {},
      [
        { path: '/a/b/c', type: 'file', content: 'text\n' },
        { path: '/a', type: 'directory', mode: 0o700 },
        { path: '/a/b/c', type: 'file', content: Uint8Array.of(1, 2, 3), mtime: new Date(0) },
        { path: 'a/empty', type: 'file' },
      ],
      sink,
    )
    expect(subvolumes).toMatchObject([
      { id: 5, name: '', path: '/', files: 2, directories: 3, inlineFiles: 1 },
    ])
    expect((await checkBtrfs(memorySource(sink.bytes()))).findings).toEqual([])
  })

  test('is opened and read in memory, with the defaults of the platform', async () => {
    const sink = memorySink()
    await writeBtrfs({ label: 'data', compression: 'zstd', checksum: 'sha256' }, TREE.map(entryOf), sink)
    const source = memorySource(sink.bytes())
    const reader = await openBtrfs(source)
    expect(toText(reader.label)).toBe('data')
    const boot = await drive(source, reader.lookup(reader.root, fromText('boot')))
    const [image] = await drive(source, reader.list(boot!))
    const file = await drive(source, reader.open(image))
    expect(file.inode.size).toBe(70_000)
    expect(await drive(source, file.read(60_000, 20_000))).toEqual(text(70_000).subarray(60_000))
  })

  test('is as large as its size says, though a sink is not written to its end', async () => {
    const sink = memorySink()
    const { size } = await writeBtrfs({ size: '256MiB' }, [], sink)
    expect([size, sink.size]).toEqual([256 << 20, 256 << 20])
  })

  test('needs a sink that can be read, unless equal files are not to share extents', async () => {
    const memory = memorySink()
    const blind: Sink = { write: (position, bytes) => memory.write(position, bytes) }
    await expect(writeBtrfs({}, [], blind)).rejects.toThrow('the sink has no `read`')
    await writeBtrfs({ dedupe: false }, TREE.map(entryOf), blind)
    expect((await checkBtrfs(memorySource(memory.bytes()))).findings).toEqual([])
  })
})

describe('errors name', () => {
  test('all that is wrong with the options', async () => {
    const options = { label: 'a\nb', nodeSize: 5000, compresion: 'zstd' } as unknown as BtrfsOptions
    const error: unknown = await writeBtrfs(options, [], memorySink()).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(SpecError)
    const paths = (error as SpecError).issues.map(({ path }) => path)
    expect(paths.sort()).toEqual(['compresion', 'label', 'nodeSize'])
  })

  test('the entry with less or more content than declared', async () => {
    const file = { path: '/f', type: 'file', size: 5000 } as const
    for (const [length, found] of [
      [4999, '4999'],
      [5001, 'at least 5001'],
    ] as const) {
      const written = writeBtrfs({}, [{ ...file, content: inPieces(noise(length)) }], memorySink())
      await expect(written).rejects.toThrow(InputError)
      await expect(written).rejects.toThrow(`entry "f": expected 5000 bytes of content, found ${found}`)
    }
  })

  test('what a file system has no room for', async () => {
    const content = noise(60 << 20)
    const written = writeBtrfs({ size: '40MiB' }, [{ path: 'f', type: 'file', content }], memorySink())
    const error: unknown = await written.catch((error: unknown) => error)
    expect(error).toBeInstanceOf(DoesNotFitError)
    expect((error as DoesNotFitError).message).toMatch(
      /^the content of the file system does not fit: \d+ bytes needed/,
    )
  })

  test('the rule that names no entry', async () => {
    const paths = [{ path: '/missing', uid: 5 }]
    await expect(writeBtrfs({ paths }, [], memorySink())).rejects.toThrow(/^paths\[0\]: entry "\/missing": /)
    const { unusedRules } = await writeBtrfs({ paths: [{ glob: '/x*', uid: 5 }] }, [], memorySink())
    expect(unusedRules).toEqual(['paths[0]'])
  })
})

test('an abort signal ends the work', async () => {
  const controller = new AbortController()
  function* entries(): Generator<Entry> {
    yield { path: 'a', type: 'file' }
    controller.abort(new Error('enough'))
    yield { path: 'b', type: 'file' }
  }
  await expect(writeBtrfs({}, entries(), memorySink(), { signal: controller.signal })).rejects.toThrow(
    'enough',
  )
})

test.each<[string, unknown, unknown, string]>([
  ['no sink', undefined, {}, 'sink: expected an object with write(), found undefined'],
  ['a sink that takes nothing', {}, {}, 'sink: expected an object with write(), found an object'],
  ['a misspelt service', memorySink(), { signl: undefined }, 'unknown option signl: did you mean signal?'],
  ['a wrong signal', memorySink(), { signal: {} }, 'option signal: expected an AbortSignal, found an object'],
  [
    'a wrong compression',
    memorySink(),
    { compression: { compress: () => 0 } },
    'option compression: expected an object with compress() and decompress(), found an object',
  ],
])('%s is refused at once', async (_, sink, services, message) => {
  const written = writeBtrfs({}, [], sink as Sink, services as BtrfsWriteServices)
  await expect(written).rejects.toThrow(new TypeError(`writeBtrfs: ${message}`))
})
