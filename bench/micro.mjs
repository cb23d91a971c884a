/**
 * How fast are the parts, each alone on one thread? Checksums, the frame writer on its three kinds of pieces, the
 * bulk loader of trees, the tar reader. Best of many short runs in memory, as other work on the machine only ever
 * slows one down. crc32c.mjs compares checksums in more detail.
 *
 * usage: node bench/micro.mjs [--seconds 1.5]
 *
 * Needs dist/ (npm run build).
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DIR_INDEX_KEY, INODE_ITEM_KEY, InodeItem, SECTOR_SIZE } from '../dist/btrfs/format.js'
import { emptyDirectoryInode } from '../dist/btrfs/write/inode-item.js'
import { fillTree, structItem, TreeBuilder } from '../dist/btrfs/write/tree.js'
import { HASH_NAMES } from '../dist/lib/block-hash.js'
import { loadHash } from '../dist/lib/load-hash.js'
import { loadZstd } from '../dist/lib/zstd/codec.js'
import { FrameBatch } from '../dist/output/frame-batch.js'
import { RunMemory } from '../dist/lib/zstd/run-memory.js'
import { readTar } from '../dist/tar/read/read-tar.js'
import { fillWithNoise, makeLargeFiles, makeSmallFiles, textPool } from './make-tar.mjs'
import { best, inTemporaryFolder, machine, table } from './measure.mjs'

const { values: options } = parseArgs({ options: { seconds: { type: 'string', default: '1.5' } } })
const LIMIT = Number(options.seconds)
const OUTPUT_LEVEL = 3
const BATCH = 4 * 2 ** 20
const CHUNK = 2 ** 20
const EXTENT = 10 * SECTOR_SIZE

const text = textPool()
const noise = new Uint8Array(BATCH)
fillWithNoise(noise)

const rows = [['', 'speed', 'of what']]
const add = (name, speed, unit, what) => {
  const digits = speed < 100 ? 2 : 0
  rows.push([name, `${speed.toFixed(digits)} ${unit}`, what])
  process.stderr.write(`${name}: ${speed.toFixed(digits)} ${unit}\n`)
}

async function measureChecksums() {
  for (const name of HASH_NAMES) {
    const hash = await loadHash(name)
    const checksums = new Uint8Array((BATCH / SECTOR_SIZE) * hash.size)
    const time = await best(() => hash.hashBlocks(noise, SECTOR_SIZE, checksums), LIMIT)
    add(`checksums, ${name}`, BATCH / time / 1e9, 'GB/s', 'blocks of 4 KiB')
  }
}

async function measureFrames() {
  const zstd = await loadZstd()
  const compressor = zstd.createCompressor(OUTPUT_LEVEL)
  const memory = new RunMemory(new ArrayBuffer(RunMemory.byteLength))
  const batch = new FrameBatch(memory)
  const cases = {
    packed: {
      fill() {
        for (let at = 0; at < BATCH; at += EXTENT) batch.addIncompressible(noise.subarray(at, at + EXTENT))
      },
      what: 'extents of 40 KiB, compressed already',
    },
    plain: {
      fill: () => batch.addPlain(text.subarray(0, BATCH)),
      what: `text, ${zstd.name}, level ${OUTPUT_LEVEL}`,
    },
    zeros: { fill: () => batch.addZeros(BATCH), what: 'one run of 4 MiB' },
  }
  for (const [kind, { fill, what }] of Object.entries(cases)) {
    const time = await best(() => {
      batch.clear()
      fill()
      batch.end()
      memory.compress(batch.runs, zstd, compressor)
      batch.bytes()
    }, LIMIT)
    add(`frame writer, ${kind}`, BATCH / time / 1e6, 'MB/s', what)
  }
}

/** Half inodes, half what has a name's length: items as in a tree of files. */
function* treeItems(count) {
  const inode = emptyDirectoryInode({ sec: 1, nsec: 0 }, 1)
  for (let objectid = 256; objectid < 256 + count / 2; objectid++) {
    yield structItem({ objectid, type: INODE_ITEM_KEY, offset: 0 }, InodeItem, inode)
    yield { objectid, type: DIR_INDEX_KEY, offset: 2, size: 50, write: (view, at) => view.setUint32(at, 1) }
  }
}

async function measureBulkLoader() {
  const count = 100_000
  const context = {
    nodeSize: 16384,
    generation: 1,
    fsid: new Uint8Array(16),
    chunkTreeUuid: new Uint8Array(16),
  }
  let bytenr = 0
  const load = () => {
    const tree = new TreeBuilder(5n, context, () => (bytenr += context.nodeSize))
    const takeBlocks = () => {
      for (let built = tree.take(); built !== undefined; built = tree.take()) tree.giveBack(built.block)
    }
    const filling = fillTree(tree, treeItems(count))
    while (!filling.next().done) takeBlocks()
    tree.finish()
    takeBlocks()
  }
  add('bulk loader', count / (await best(load, LIMIT)), 'items/s', 'inodes and names, not checksummed')
}

async function* inChunks(bytes) {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK)
}

/** Copies all content, as a build does. */
async function readWhole(archive) {
  const copy = new Uint8Array(CHUNK)
  let entries = 0
  for await (const entry of readTar(inChunks(archive), { name: 'archive' })) {
    entries++
    if (entry.type !== 'file') continue
    for await (const piece of entry.content) copy.set(piece)
  }
  return entries
}

async function measureTarReader(folder) {
  const path = join(folder, 'in.tar')
  const entries = 50_000
  await makeSmallFiles(path, { entries })
  const small = readFileSync(path)
  if ((await readWhole(small)) !== entries) throw new Error('the reader has missed entries')
  const smallTime = await best(() => readWhole(small), LIMIT)
  add('tar reader, small files', entries / smallTime, 'entries/s', 'files of 300 to 3000 bytes')
  add('tar reader, small files', small.length / smallTime / 1e6, 'MB/s', 'the same')
  await makeLargeFiles(path, { bytes: 128e6 })
  const large = readFileSync(path)
  add(
    'tar reader, large files',
    large.length / (await best(() => readWhole(large), LIMIT)) / 1e6,
    'MB/s',
    '64 MiB',
  )
}

await inTemporaryFolder(async (folder) => {
  console.log(machine())
  await measureChecksums()
  await measureFrames()
  await measureBulkLoader()
  await measureTarReader(folder)
  console.log(table(rows))
})
