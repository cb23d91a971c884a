/** Sources that several partitions share: each entry goes to the partition that is mounted nearest above it. */
import { counted } from '../lib/counted.ts'
import type { HostSpool } from './host.ts'
import type { NewEntry, PartitionWriter } from './drivers/driver.ts'
import type { SourceEntry, Timestamp } from '../file-tree/entry.ts'
import { checkedContent } from '../file-tree/content-length.ts'
import type { MergeRule } from '../file-tree/merge.ts'
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import type { OnFinding } from '../lib/finding.ts'
import type { PartitionPlan, ResolvedPlan } from '../spec/plan/plan.ts'

/** A partition with a mount point. */
interface Mount {
  partition: PartitionPlan
  /** Path from the root of the system. */
  path: ByteString
}

/** What is kept for a partition that is written later. */
type Waiting = { merge: MergeRule } | NewEntry

/** Divides entries among partitions. Entries for partitions other than the streamed one are kept in memory, their content in a file. */
export class MountRouter {
  readonly #mounts: readonly Mount[]
  readonly #streamed: PartitionPlan
  readonly #spool: HostSpool
  readonly #waiting = new Map<PartitionPlan, Waiting[]>()
  /** Kept files, by their paths in the system: hard links in other partitions become copies of them. */
  readonly #files = new Map<ByteString, SourceEntry>()
  /** Paths of mount points that are in the sources. */
  readonly #mountPoints = new Set<ByteString>()
  #copies = 0

  /**
   * @param streamed one of the partitions; the others are written when all sources have been read
   * @param spool for the content of their files; closed with the router
   */
  constructor({ partitions }: ResolvedPlan, streamed: PartitionPlan, spool: HostSpool) {
    this.#spool = spool
    this.#streamed = streamed
    this.#mounts = partitions
      .flatMap((partition): Mount[] =>
        'mount' in partition && partition.mount !== undefined ? [{ partition, path: partition.mount }] : [],
      )
      .sort((a, b) => b.path.length - a.path.length)
    for (const { partition } of this.#mounts) {
      if (partition !== streamed) this.#waiting.set(partition, [])
    }
  }

  /** Makes the directories for mount points that are not in any source. */
  async addMountPoints(writer: PartitionWriter, time: Timestamp): Promise<void> {
    this.beginSource(writer, 'follow')
    for (const { path } of [...this.#mounts].reverse()) {
      if (path === '' || this.#mountPoints.has(path)) continue
      const origin = { source: 'the mount points of the description' }
      const entry: SourceEntry = { path, type: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: time, origin }
      await this.#addTo(this.#above(path), { entry }, writer)
    }
  }

  /** Marks the start of a source: separates the entries that follow from earlier ones. */
  beginSource(writer: PartitionWriter, merge: MergeRule): void {
    writer.beginSource(merge)
    for (const waiting of this.#waiting.values()) waiting.push({ merge })
  }

  /**
   * Adds an entry to the streamed partition, or keeps it for another one.
   *
   * @throws InputError when it is at a mount point and is not a directory
   */
  add(added: NewEntry, writer: PartitionWriter): Promise<void> | void {
    const { to = '' } = added
    const path = joinPath(to, added.entry.path)
    const mount = this.#at(path)
    // With another partition mounted below, no partition has everything that was sent.
    const isDivided = this.#mounts.some((other) => other !== mount && isBelow(other.path, path))
    const entry = isDivided ? withoutReceived(added.entry) : added.entry
    if (entry.type !== 'hardlink' && mount.path !== path && mount.partition === this.#streamed) {
      return writer.add({ ...added, entry })
    }
    return this.#addWithCare({ ...added, entry }, { mount, path, writer })
  }

  /** Gives a partition the entries that were kept for it. */
  async replay(partition: PartitionPlan, writer: PartitionWriter): Promise<void> {
    for (const waiting of this.#waiting.get(partition) ?? []) {
      if ('merge' in waiting) writer.beginSource(waiting.merge)
      else await writer.add(waiting)
    }
    this.#waiting.delete(partition)
  }

  /**
   * Checks that nothing is at a place where a partition would hide it: entries can get there through symlinks.
   *
   * @throws InputError when something is
   */
  checkMountPoints(writer: PartitionWriter): void {
    for (const { path } of this.#mounts) {
      if (path === '' || this.#above(path).partition !== this.#streamed) continue
      const [hidden] = writer.list(path)
      if (hidden === undefined) continue
      const entry = toDisplay(`/${path}/${hidden}`)
      throw new InputError(
        `lies below the mount point /${toDisplay(path)} of another partition, which would hide it`,
        { source: 'sources', entry },
      )
    }
  }

  reportCopies(onFinding: OnFinding): void {
    if (this.#copies === 0) return
    const links = counted(this.#copies, 'hard link')
    const message = `${links} to files of other partitions: each became a separate file`
    onFinding({ severity: 'notice', where: 'sources', message })
  }

  close(): Promise<void> {
    return this.#spool.close()
  }

  async #addWithCare(
    added: NewEntry,
    { mount, path, writer }: { mount: Mount; path: ByteString; writer: PartitionWriter },
  ): Promise<void> {
    const { entry, to = '' } = added
    if (mount.path === path && path !== '') {
      if (entry.type !== 'directory') {
        throw new InputError(`is a ${entry.type}, but a partition is mounted there: expected a directory`, {
          ...entry.origin,
          entry: toDisplay(entry.path),
        })
      }
      this.#mountPoints.add(path)
      await this.#addTo(this.#above(path), { ...added, entry: withoutReceived(entry) }, writer)
    }
    if (entry.type === 'hardlink') {
      const target = joinPath(to, entry.target)
      if (this.#at(target).partition !== mount.partition) {
        const copy = this.#copyOf(target, entry, writer)
        await this.#addTo(mount, { ...added, entry: copy }, writer)
        return
      }
    }
    await this.#addTo(mount, added, writer)
  }

  /** A separate file in place of a hard link to a file in another partition. */
  #copyOf(target: ByteString, link: SourceEntry, writer: PartitionWriter): SourceEntry {
    const file = this.#files.get(target) ?? writer.find(target)
    if (file === undefined) {
      throw new InputError(`is a hard link to ${toDisplay(target)}, which is not an earlier file`, {
        ...link.origin,
        entry: toDisplay(link.path),
      })
    }
    this.#copies++
    return { ...file, path: link.path, origin: link.origin }
  }

  async #addTo(
    { partition, path: mountPoint }: Mount,
    added: NewEntry,
    writer: PartitionWriter,
  ): Promise<void> {
    const { entry, to = '', unsupported } = added
    if (partition === this.#streamed) {
      await writer.add(added)
      return
    }
    const path = joinPath(to, entry.path)
    const below = (path: ByteString) => path.slice(mountPoint.length).replace(/^\//, '')
    const kept = entry.type === 'file' && !entry.repeatable ? await this.#kept(entry) : entry
    if (kept.type === 'file') this.#files.set(path, kept)
    const placed: SourceEntry =
      kept.type === 'hardlink'
        ? { ...kept, path: below(path), target: below(joinPath(to, kept.target)) }
        : { ...kept, path: below(path) }
    this.#waiting.get(partition)!.push({ entry: placed, unsupported })
  }

  async #kept(entry: SourceEntry & { type: 'file' }): Promise<SourceEntry> {
    const open = await this.#spool.add(checkedContent(entry))
    return {
      ...entry,
      content: { [Symbol.asyncIterator]: () => open()[Symbol.asyncIterator]() },
      parts: undefined,
      repeatable: true,
    }
  }

  /** The mount that a path belongs to. */
  #at(path: ByteString): Mount {
    return this.#mounts.find((mount) => isBelow(path, mount.path))!
  }

  /** The mount that contains the mount point at a path. */
  #above(path: ByteString): Mount {
    return this.#mounts.find((mount) => mount.path !== path && isBelow(path, mount.path))!
  }
}

/** A directory that is no longer the complete subvolume that was sent. */
function withoutReceived(entry: SourceEntry): SourceEntry {
  const isSent = entry.type === 'directory' && entry.received !== undefined
  return isSent ? { ...entry, received: undefined } : entry
}

function isBelow(path: ByteString, mountPoint: ByteString): boolean {
  return mountPoint === '' || path === mountPoint || path.startsWith(`${mountPoint}/`)
}

function joinPath(to: ByteString, path: ByteString): ByteString {
  if (to === '') return path
  return path === '' ? to : (`${to}/${path}` as ByteString)
}
