import type { SourceEntry, Timestamp } from '../../file-tree/entry.ts'
import { checkedContent } from '../../file-tree/content-length.ts'
import { wholeContent } from '../../file-tree/file-content.ts'
import type { EntryRulePlan } from '../../file-tree/entry-rule.ts'
import { EntryRules } from '../../file-tree/entry-rules.ts'
import { LinkedPaths } from '../../file-tree/linked-paths.ts'
import type { MergeRule, Replacement } from '../../file-tree/merge.ts'
import { FileTree, type DirectoryNode } from '../../file-tree/tree.ts'
import { DropLog, type UnsupportedPolicy } from '../../file-tree/unsupported.ts'
import { unusedRulesOf } from '../../file-tree/unused-rules.ts'
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { DoesNotFitError } from '../../lib/errors.ts'
import { entryError, type EntryPlace, type FatContent } from './content.ts'
import type { Spool } from './spool.ts'
import { MAX_FILE_SIZE } from '../format.ts'
import { clusterSizeOf } from '../geometry.ts'
import { FAT_TITLES, largestCapacity, planGeometry, type FatShape } from '../plan-geometry.ts'
import type { FatTree } from './plan-tree.ts'
import { followSymlink, type VolumeDirectory } from './symlinks.ts'

/** What a volume can hold; see fatLimit. */
export interface FatLimit {
  title: string
  /** Bytes in which files take room, at the least. */
  clusterSize: number
  /** Bytes of all clusters. */
  capacity: number
}

/**
 * @param size bytes of the partition; `fit`: not decided yet
 * @throws DoesNotFitError when no such volume has this size
 */
export function fatLimit(size: number | 'fit', shape: FatShape): FatLimit {
  const title = FAT_TITLES[shape.type]
  if (size === 'fit') return { title, ...largestCapacity(shape) }
  const geometry = planGeometry(size, shape)
  const clusterSize = clusterSizeOf(geometry)
  return { title, clusterSize, capacity: geometry.clusters * clusterSize }
}

export interface FatCollectorOptions {
  /** The largest content that the volume can hold. */
  limit: FatLimit
  /** Time of directories that no source describes. */
  time: Timestamp
  /** For content that can be read only once: see `FileContent.repeatable`. */
  spool: Spool
  /** Changes to entries. What they exclude is not read. Default: none. */
  rules?: readonly EntryRulePlan[]
  /** Whether symlinks will become copies of what they lead to. Default: `error`. */
  symlinks?: 'error' | 'follow'
  /** Called with every entry of an earlier source whose place another one takes. */
  onReplace?: ((replacement: Replacement) => void) | undefined
}

/** The smallest part of the volume that is collected before the tree is measured again. See FatCollector. */
const MIN_MEASURE_INTERVAL = 1 / 16

/**
 * Collects the entries of a FAT volume one by one, and refuses content that does not fit before it is spooled.
 *
 * The sum of all content is not the size of the tree, as later entries replace earlier ones. So the tree is measured
 * whenever enough was collected for it to be too large: soon enough to stop long before the end of a large archive, and
 * rarely enough when entries keep replacing each other.
 */
export class FatCollector {
  readonly #tree: FileTree<FatContent>
  readonly #rules: EntryRules | undefined
  readonly #followSymlinks: boolean
  readonly #links: LinkedPaths
  readonly #places = new Map<ByteString, EntryPlace>()
  readonly #limit: FatLimit
  /** Bytes that may be collected before the tree is measured again. */
  #allowance: number
  /** What was left out of the tree when it was planned. */
  readonly drops = new DropLog()

  constructor(options: FatCollectorOptions) {
    const { limit, time, spool, rules = [], symlinks = 'error', onReplace } = options
    this.#limit = limit
    this.#allowance = limit.capacity
    this.#rules = rules.length > 0 ? new EntryRules(rules) : undefined
    this.#followSymlinks = symlinks === 'follow'
    this.#tree = new FileTree({
      content: {
        store: async (entry) => {
          this.#refuseTooLarge(entry)
          const content = wholeCheckedContent(entry)
          return { size: entry.size, open: entry.repeatable ? () => content : await spool.add(content) }
        },
        copy: (content) => Promise.resolve(content),
      },
      time,
      rules: this.#rules,
      onReplace,
    })
    this.#links = new LinkedPaths(this.#tree.nodes)
  }

  /** The entries so far. The tree can hold nodes that FAT cannot: symlinks, devices, fifos and sockets. */
  get tree(): FatTree {
    const root = this.#tree.root
    return {
      root,
      places: this.#places,
      rules: this.#rules,
      followSymlinks: this.#followSymlinks,
      drops: this.drops,
    }
  }

  /**
   * JSON paths of the rules that matched no entry, once the tree is planned. (unusedRulesOf)
   *
   * @throws InputError when one of them changes a path
   */
  unusedRules(jsonPath = ''): string[] {
    return unusedRulesOf(this.#rules, jsonPath)
  }

  /** (FileTree.beginSource) */
  beginSource(merge: MergeRule): void {
    this.#tree.beginSource(merge)
  }

  /**
   * Adds one entry, below the path `to`.
   *
   * @param unsupported `drop`: an entry that FAT cannot hold is left out when the tree is planned
   * @throws InputError when the entry cannot be at its path, see FileTree.add, or has 4 GiB or more
   * @throws DoesNotFitError when it, or the content up to it, is larger than the volume
   */
  async add(
    entry: SourceEntry,
    to: ByteString = '',
    unsupported: UnsupportedPolicy = 'error',
  ): Promise<void> {
    await this.#tree.add(entry, to)
    const { path, origin } = entry
    const given = to === '' ? path : path === '' ? to : `${to}/${path}`
    this.#places.set(this.#links.realPath(given).path, {
      ...{ path, origin },
      ...(unsupported === 'drop' && { policy: unsupported }),
    })
    if (entry.type === 'file') this.#account(entry)
  }

  #refuseTooLarge(entry: SourceEntry & { type: 'file' }): void {
    const { title, capacity } = this.#limit
    if (entry.size > MAX_FILE_SIZE) {
      throw entryError(`has ${entry.size} bytes, but a FAT file has at most ${MAX_FILE_SIZE}`, entry)
    }
    if (this.#clustersOf(entry.size) > capacity) {
      throw new DoesNotFitError(
        `${entry.origin.source}: entry ${quote(entry.path)}, in a ${title} file system,`,
        {
          needed: this.#clustersOf(entry.size),
          available: capacity,
        },
      )
    }
  }

  #account(entry: SourceEntry & { type: 'file' }): void {
    const { title, capacity } = this.#limit
    this.#allowance -= this.#clustersOf(entry.size)
    if (this.#allowance >= 0) return
    const needed = this.#needed()
    if (needed > capacity) {
      const upTo = `${entry.origin.source}: entry ${quote(entry.path)}`
      throw new DoesNotFitError(`the content of the ${title} file system, up to ${upTo},`, {
        needed,
        available: capacity,
      })
    }
    this.#allowance = Math.max(capacity - needed, capacity * MIN_MEASURE_INTERVAL)
  }

  /**
   * Bytes of the clusters of all files, copies included, and of one cluster for each directory that is copied; what
   * exceeds the volume is not added up.
   */
  #needed(): number {
    const { clusterSize, capacity } = this.#limit
    let bytes = 0
    const { root } = this.#tree
    const open: MeasuredDirectory[] = [{ node: root, treePath: '', parent: undefined, isCopy: false }]
    for (let directory = open.pop(); directory && bytes <= capacity; directory = open.pop()) {
      if (directory.isCopy) bytes += clusterSize
      for (const [name, node] of directory.node.children) {
        const path = directory.treePath === '' ? name : `${directory.treePath}/${name}`
        const isLink = node.type === 'symlink' && this.#followSymlinks
        // What a link leads to may be still to come.
        const end = isLink ? followSymlink(root, path, directory) : { path, node, problem: undefined }
        if (end.problem !== undefined) continue
        if (end.node.type === 'file') bytes += this.#clustersOf(end.node.content.size)
        else if (end.node.type === 'directory') {
          const isCopy = directory.isCopy || isLink
          open.push({ node: end.node, treePath: end.path, parent: directory, isCopy })
        }
      }
    }
    return bytes
  }

  /** Bytes of the clusters of a file. */
  #clustersOf(size: number): number {
    const { clusterSize } = this.#limit
    return Math.ceil(size / clusterSize) * clusterSize
  }
}

interface MeasuredDirectory extends VolumeDirectory {
  node: DirectoryNode<FatContent>
  isCopy: boolean
}

/**
 * All bytes of a file, for as many reads as its content allows.
 *
 * @throws InputError while it is read, when the content is longer or shorter than the entry declares
 */
function wholeCheckedContent(entry: SourceEntry & { type: 'file' }): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () =>
      wholeContent({ ...entry, content: checkedContent(entry) })[Symbol.asyncIterator](),
  }
}

const quote = (path: ByteString) => JSON.stringify(toDisplay(path))
