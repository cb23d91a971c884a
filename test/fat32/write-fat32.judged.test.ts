/** The public face of diskwright/fat32: file systems that are written to memory. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildImage } from 'diskwright'
import { describe, expect, it } from 'vitest'
import {
  checkFat,
  DoesNotFitError,
  drive,
  fromText,
  InputError,
  memorySink,
  memorySource,
  memorySpool,
  openFat,
  SpecError,
  subSource,
  toText,
  writeFat32,
  type Entry,
  type Fat32Options,
  type WriteFatContext,
} from '../../src/fat32/index.ts'
import { inFolder, noise } from '../images/build.ts'
import { fsckFat } from '../judges/fsck-fat.ts'
import { mtool } from '../judges/mkfs-fat.ts'
import { mtoolsList } from '../judges/mtools.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { buildTar } from '../tar/build-tar.ts'

const hasFsck = requireJudge('fsck.fat')
const hasMtools = requireJudge('mdir')
const MIB = 2 ** 20

const OPTIONS: Fat32Options = { size: '40MiB', label: 'FIRMWARE', seed: 'test', time: '2025-06-01' }

async function bytesOf(
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  options = OPTIONS,
  context?: WriteFatContext,
): Promise<Uint8Array> {
  const sink = memorySink()
  await writeFat32(options, entries, sink, context)
  return sink.bytes().slice()
}

/** All files, with their content as text. */
async function filesIn(bytes: Uint8Array): Promise<Record<string, string>> {
  const source = memorySource(bytes)
  const fat = await openFat(source)
  const files: Record<string, string> = {}
  const walk = async (directory: typeof fat.root, path: string): Promise<void> => {
    for (const entry of await drive(source, fat.list(directory))) {
      const below = `${path}/${toText(entry.name)}`
      if (entry.type === 'directory') await walk(entry, below)
      else {
        const file = await drive(source, fat.open(entry))
        files[below] = new TextDecoder().decode(await drive(source, file.read(0, file.inode.size)))
      }
    }
  }
  await walk(fat.root, '')
  return files
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(new TextEncoder().encode(text))
}

const stream = (text: string, size = text.length): Partial<Entry> => ({ size, content: pieces(text) })

describe('writeFat32', () => {
  it('takes entries with text, bytes and streams', async () => {
    const entries: Entry[] = [
      { path: '/overlays/a long name.dtbo', type: 'file', content: new Uint8Array([0x61, 0x62]) },
      { path: 'config.txt', type: 'file', content: 'arm_64bit=1\n', mode: 0o444 },
      { path: '/empty', type: 'file' },
      { path: '/folder', type: 'directory', mtime: new Date('2024-02-29T12:00:00Z') },
      { path: '/folder/stream', type: 'file', size: 6, content: pieces('abc', '', 'def') },
      { path: '/sparse', type: 'file', size: 8, ranges: [{ offset: 2, length: 3 }], content: 'xyz' },
      { path: '/other name', type: 'hardlink', target: '/folder/stream' },
    ]
    const sink = memorySink()
    const written = await writeFat32(OPTIONS, entries, sink)
    const bytes = sink.bytes()
    expect(bytes.length).toBe(40 * MIB)
    expect(written).toMatchObject({
      ...{ size: 40 * MIB, clusterSize: 512, label: 'FIRMWARE', files: 6, directories: 3 },
      ...{ bytesIn: 34, bytesStored: 5 * 512, volumeId: expect.stringMatching(/^\w{4}-\w{4}$/) as string },
    })
    expect(await filesIn(bytes)).toEqual({
      '/overlays/a long name.dtbo': 'ab',
      '/config.txt': 'arm_64bit=1\n',
      '/empty': '',
      '/folder/stream': 'abcdef',
      '/other name': 'abcdef',
      '/sparse': '\0\0xyz\0\0\0',
    })
    expect(await checkFat(memorySource(bytes))).toEqual({ findings: [], findingCount: 0 })
    await inFolder(async (folder) => {
      const image = join(folder, 'fat.img')
      writeFileSync(image, bytes)
      if (hasFsck) await fsckFat(image)
      if (!hasMtools) return
      expect((await mtoolsList(image)).sort()).toEqual([
        ...['config.txt', 'empty', 'folder/', 'folder/stream', 'other name'],
        ...['overlays/', 'overlays/a long name.dtbo', 'sparse'],
      ])
      expect(await mtool(image, 'mtype', '::/other name')).toBe('abcdef')
    })
  })

  it('writes the bytes of a partition of an image', async () => {
    const mtime = { sec: 1_700_000_000, nsec: 0 }
    const content = noise(300_000)
    const entries = [
      { path: 'd', type: 'directory', mtime } as const,
      { path: 'd/Kernel.img', type: 'file', content, mtime } as const,
      { path: 'readme', type: 'file', content: 'text', mtime } as const,
    ]
    await inFolder(async (folder) => {
      writeFileSync(join(folder, 'files.tar'), buildTar(entries))
      const { seed, time, ...partition } = OPTIONS
      const spec = {
        ...{ seed, time },
        table: { type: 'mbr' as const },
        partitions: [{ type: 'fat32' as const, ...partition, sources: [{ tar: 'files.tar' }] }],
      }
      const output = join(folder, 'disk.img')
      await buildImage(spec, { output, baseDirectory: folder })
      const image = new Uint8Array(readFileSync(output))
      const alone = await bytesOf(entries, { ...OPTIONS, hiddenSectors: 2048 })
      expect(Buffer.compare(image.subarray(MIB, 41 * MIB), alone)).toBe(0)
      expect(await filesIn(image.slice(MIB))).toMatchObject({ '/readme': 'text' })
      const fat = await openFat(subSource(memorySource(image), MIB, 40 * MIB))
      expect(fat).toMatchObject({ type: 'fat32', label: 'FIRMWARE', boot: { hiddenSectors: 2048 } })
    })
  })

  it('finds names whatever their case', async () => {
    const source = memorySource(await bytesOf([{ path: 'config.txt', type: 'file', content: 'x' }]))
    const fat = await openFat(source)
    expect(await drive(source, fat.lookup(fat.root, fromText('CONFIG.TXT')))).toMatchObject({ type: 'file' })
    expect(await drive(source, fat.lookup(fat.root, fromText('config')))).toBeUndefined()
  })

  it.each<[string, Partial<Entry>, string]>([
    ['longer', stream('xyz', 2), 'expected 2 bytes of content, found at least 3'],
    ['shorter', stream('xyz', 4), 'expected 4 bytes of content, found 3'],
    ['missing', stream('', 1), 'expected 1 bytes of content, found 0'],
    [
      'not as long as its size',
      { content: 'xyz', size: 4 },
      'expected the 4 bytes that "size" declares, found 3',
    ],
  ])('refuses content that is %s', async (_, content, message) => {
    const attempt = bytesOf([{ path: '/f', type: 'file', ...content }])
    await expect(attempt).rejects.toBeInstanceOf(InputError)
    await expect(attempt).rejects.toThrow(message)
  })

  it('refuses what FAT32 cannot hold', async () => {
    await expect(bytesOf([{ path: 's', type: 'symlink', target: 'x' }])).rejects.toThrow('is a symlink')
    await expect(bytesOf([{ path: '../f', type: 'file' }])).rejects.toBeInstanceOf(InputError)
  })

  it('refuses wrong options, all at once', async () => {
    const wrong = { size: '40MiB', label: 'a label too long', tiem: 0 } as Fat32Options
    const attempt = bytesOf([], wrong)
    await expect(attempt).rejects.toBeInstanceOf(SpecError)
    await expect(attempt).rejects.toThrow(/tiem[^]*label|label[^]*tiem/)
    await expect(bytesOf([], { size: '32MiB' })).rejects.toThrow(/size/)
  })

  it('keeps streams in a spool, which is bounded in memory', async () => {
    const spool = memorySpool(5)
    const file = (path: string): Entry => ({ path, type: 'file', ...stream('abc') })
    await expect(bytesOf([file('a'), file('b')], OPTIONS, { spool })).rejects.toBeInstanceOf(DoesNotFitError)
    const text: Entry = { path: 'c', type: 'file', content: 'not kept' }
    expect(await filesIn(await bytesOf([file('a'), text], OPTIONS, { spool: memorySpool(3) }))).toEqual({
      '/a': 'abc',
      '/c': 'not kept',
    })
  })

  it('reports progress, and ends when it is aborted', async () => {
    const entries: Entry[] = [
      { path: 'a', type: 'file', content: 'abc' },
      { path: 'b', type: 'file', content: 'defg' },
    ]
    const seen: number[] = []
    await bytesOf(entries, OPTIONS, { onProgress: (bytes) => seen.push(bytes) })
    expect(seen).toEqual([3, 7])
    const controller = new AbortController()
    const attempt = bytesOf(entries, OPTIONS, {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    })
    await expect(attempt).rejects.toThrow('enough')
  })
})

describe('checkFat', () => {
  it('returns its findings and calls with each of them', async () => {
    const bytes = await bytesOf([])
    bytes[6 * 512 + 90]++
    const seen: unknown[] = []
    const result = await checkFat(memorySource(bytes), { onFinding: (finding) => seen.push(finding) })
    expect(result.findingCount).toBe(1)
    expect(result.findings).toEqual(seen)
    expect(result.findings).toMatchObject([{ severity: 'error', where: 'copy of the FAT boot sector' }])
  })

  it('refuses misspelt options, and ends when it is aborted', async () => {
    const source = memorySource(await bytesOf([]))
    await expect(checkFat(source, { onFindings: () => undefined } as object)).rejects.toThrow('onFinding?')
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(checkFat(source, { signal })).rejects.toThrow('enough')
    await expect(openFat(source, { signal })).rejects.toThrow('enough')
  })

  it('finds that there is no FAT', async () => {
    expect((await checkFat(memorySource(new Uint8Array(512)))).findings).toMatchObject([
      { where: 'FAT boot sector, signature' },
    ])
  })
})
