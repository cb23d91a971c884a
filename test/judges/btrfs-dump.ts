import { btrfsPrograms } from './btrfs-programs.ts'
import { type Partition, withReadOnlyPartition } from './partition.ts'
import { mustRun, runTool } from './run-tool.ts'

/** Offsets of the superblocks, in bytes. (btrfs_sb_offset) */
const SUPERBLOCKS = [2 ** 16, 2 ** 26, 2 ** 38]
const SUPERBLOCK_SIZE = 4096

/** Fields that differ between the copies of a superblock. */
const OF_ONE_COPY = /^(superblock:|csum\t|bytenr\t)/

/** Lines of a dump that describe trees: names, blocks, items and pointers, and its end. */
const OUTLINE = '^([a-z]|\titem |\tkey )'

/** Ids of trees that `dump-tree` does not take out of the root tree. (BTRFS_ROOT_TREE_OBJECTID, _CHUNK_) */
const TREES_BY_SUPERBLOCK = ['root tree', 'chunk tree']

/**
 * Gaps in the outline of `dump-tree`: blocks that nodes point to, items that leaves have, trees that the root
 * tree names, the end.
 */
export function dumpFindings(outline: string): string[] {
  const found: string[] = []
  const wantedBlocks = new Map<string, string>()
  const blocks = new Set<string>()
  const trees: string[] = []
  let tree = ''
  let wantedTrees = 0
  let block: { at: string; items: number; seen: number } | undefined
  const endBlock = () => {
    if (block !== undefined && block.seen !== block.items) {
      found.push(`${tree}: block ${block.at}: ${block.items} items, but ${block.seen} shown`)
    }
    block = undefined
  }
  let blocksOfTree = 1
  const endTree = () => {
    endBlock()
    if (blocksOfTree === 0) found.push(`${tree}: no block`)
  }
  for (const line of outline.split('\n')) {
    const header = /^(?:leaf|node) (\d+) .*?items (\d+) free space/.exec(line)
    const item = /^\titem \d+ key \((\S+) (\S+)/.exec(line)
    const pointer = /^\tkey \(.*\) block (\d+) gen \d+$/.exec(line)
    if (header) {
      endBlock()
      block = { at: header[1], items: Number(header[2]), seen: 0 }
      blocks.add(header[1])
      blocksOfTree++
    } else if (item && block) {
      block.seen++
      if (tree === 'root tree' && item[2] === 'ROOT_ITEM') wantedTrees++
    } else if (pointer && block) {
      block.seen++
      wantedBlocks.set(pointer[1], tree)
    } else if (/^[a-z ]+ tree($| key \()/.test(line)) {
      endTree()
      tree = line.trim()
      trees.push(tree)
      blocksOfTree = 0
    }
  }
  endTree()
  for (const [at, owner] of wantedBlocks)
    if (!blocks.has(at)) found.push(`${owner}: block ${at} is not shown`)
  const shown = trees.filter((name) => !TREES_BY_SUPERBLOCK.includes(name)).length
  if (shown !== wantedTrees) found.push(`${wantedTrees} trees in the root tree, ${shown} shown`)
  if (!/^total bytes \d+\nbytes used \d+\nuuid /m.test(outline)) found.push('no end')
  return found
}

async function dumpTrees(tool: string, target: string): Promise<void> {
  // Most of a dump is of no interest here, and a large one does not fit into a string.
  const script = `set -o pipefail; "$0" inspect-internal dump-tree "$1" | grep -aP '${OUTLINE}'`
  const { code, stdout, stderr } = await runTool('bash', ['-c', script, tool, target])
  const findings = code === 0 && stderr === '' ? dumpFindings(stdout) : [`exit code ${code}`, stderr]
  if (findings.length > 0) {
    throw new Error(`${tool} inspect-internal dump-tree ${target}:\n${findings.join('\n')}`)
  }
}

async function dumpSuperblocks(tool: string, target: string, size: number): Promise<void> {
  const copies = SUPERBLOCKS.filter((at) => at + SUPERBLOCK_SIZE <= size)
  const texts: string[] = []
  for (const [i, at] of copies.entries()) {
    const args = ['inspect-internal', 'dump-super', '--full', '--super', String(i), target]
    const { stdout, stderr } = await mustRun(tool, args)
    const fail = (what: string) => {
      throw new Error(`${tool} ${args.join(' ')}: ${what}\n${stdout}${stderr}`)
    }
    if (stderr !== '') fail('it complains')
    for (const name of ['csum', 'magic', 'dev_item.fsid']) {
      if (!new RegExp(`^${name}\t.*\\[match\\]$`, 'm').test(stdout)) fail(`${name} does not match`)
    }
    if (!new RegExp(`^bytenr\t+${at}$`, 'm').test(stdout)) fail(`it is not the one at ${at}`)
    const lines = stdout.split('\n').filter((line) => !OF_ONE_COPY.test(line))
    texts.push(lines.join('\n'))
    if (texts[i] !== texts[0]) fail('it differs from the first')
  }
}

/**
 * Has btrfs-progs print every tree and all superblocks of the BTRFS partition of an image. Nothing may be missing, no
 * complaint made, and the superblocks must say the same.
 *
 * @throws Error that says what is missing, or with what the tool complains of
 */
export async function btrfsDump(
  image: string,
  partition: Partition,
  { versions = 'all' }: { versions?: 'all' | 'newest' } = {},
): Promise<void> {
  await withReadOnlyPartition(image, partition, async (target) => {
    for (const tool of btrfsPrograms(versions)) {
      await dumpTrees(tool, target)
      await dumpSuperblocks(tool, target, partition.size)
    }
  })
}
