/** Makes the stream that `btrfs send` makes of a subvolume: all of it, or what differs from another one. */
import type { Xattr } from '../../../file-tree/entry.ts'
import { MODE_TYPE } from '../../../file-tree/mode-type.ts'
import { POSIX_ACL_ACCESS } from '../../../file-tree/posix-acl.ts'
import type { Inode } from '../../../file-tree/reader.ts'
import type { ByteString } from '../../../lib/byte-string.ts'
import { equalBytes } from '../../../lib/equal-bytes.ts'
import type { ReadRoutine } from '../../../lib/read-routine.ts'
import type { FileExtent } from '../../read/file-extents.ts'
import type { BtrfsInode } from '../../read/open-inode.ts'
import type { BtrfsReader } from '../../read/reader.ts'
import type { Subvolume } from '../../read/subvolumes.ts'
import type { CommandAttributes } from '../command.ts'
import {
  ENCODING,
  ENCODING_LZO_64K,
  FALLOCATE,
  MAX_WRITE_V1,
  MAX_WRITE_V2,
  type CommandName,
  type SendVersion,
} from '../format.ts'
import { CloneSources } from './clone-sources.ts'
import { differingRanges, type SentRange } from './content.ts'
import { encodeCommand, encodeSendHeader } from './encode-command.ts'
import { matchInodes } from './match.ts'
import { namesOf, type NamedInode } from './names.ts'
import { NamePlan, type NameChange } from './plan-names.ts'

export interface SendStreamOptions {
  subvolume: Subvolume
  /** What the receiver has; undefined: all is sent. */
  parent?: Subvolume | undefined
  version: SendVersion
  /** Compressed extents are sent as they are stored: needs version 2. */
  compressedData: boolean
}

/** Numbers of what a stream has. */
export interface SendCounts {
  commands: number
  /** Bytes of content in the stream, as they are there. */
  contentBytes: number
}

/** Set after a change of the owner or the content, which takes it away. */
const CAPABILITY = 'security.capability'
const NO_UUID = new Uint8Array(16)
/** Commands that are given to the caller at once. */
const COMMANDS_AT_ONCE = 256

/** An inode, and that of the parent that it is made of. */
interface SentInode {
  path: ByteString
  file: BtrfsInode
  other: BtrfsInode | undefined
}

export class SendStream {
  readonly counts: SendCounts = { commands: 0, contentBytes: 0 }
  readonly #reader: BtrfsReader
  readonly #options: SendStreamOptions
  readonly #maxWrite: number
  readonly #clones: CloneSources
  readonly #work: Generator<ReadRoutine<void>, void>
  #inodes!: ReadonlyMap<number, NamedInode>
  #others: ReadonlyMap<number, NamedInode> | undefined
  #matches: ReadonlyMap<number, number> = new Map()
  #names!: NamePlan
  #out: Uint8Array[] = []

  constructor(reader: BtrfsReader, options: SendStreamOptions) {
    this.#reader = reader
    this.#options = options
    this.#maxWrite = options.version === 1 ? MAX_WRITE_V1 : MAX_WRITE_V2
    this.#clones = new CloneSources(reader.superblock.sectorsize)
    this.#work = this.#all()
  }

  /**
   * The next pieces of the stream; undefined at its end.
   *
   * @throws CorruptError when what is sent is damaged
   */
  *next(): ReadRoutine<Uint8Array[] | undefined> {
    const step = this.#work.next()
    if (step.done === true) return undefined
    yield* step.value
    const out = this.#out
    this.#out = []
    return out
  }

  /** The work in steps, none of which has more than a few pieces of content. */
  *#all(): Generator<ReadRoutine<void>, void> {
    yield this.#begin()
    for (let changes = this.#names.changes(), isDone = false; !isDone;) {
      const some: NameChange[] = []
      while (some.length < COMMANDS_AT_ONCE && !isDone) {
        const change = changes.next()
        if (change.done === true) isDone = true
        else some.push(change.value)
      }
      yield this.#changeNames(some)
    }
    for (const ino of [...this.#inodes.keys()].sort((a, b) => a - b)) {
      const sent: { inode?: SentInode } = {}
      yield this.#open(ino, sent)
      yield* this.#sendInode(sent.inode!)
    }
    yield this.#end()
  }

  *#begin(): ReadRoutine<void> {
    const { subvolume, parent, version } = this.#options
    this.#inodes = yield* namesOf(this.#reader, subvolume.root)
    const name = subvolume.path.slice(subvolume.path.lastIndexOf('/') + 1)
    const identity = { path: name === '' ? 'root' : name, ...identityOf(subvolume) }
    this.#out.push(encodeSendHeader(version))
    if (parent === undefined) this.#emit('subvol', identity)
    else {
      this.#others = yield* namesOf(this.#reader, parent.root)
      const [sent, other] = [
        { subvolume, inodes: this.#inodes },
        { subvolume: parent, inodes: this.#others },
      ]
      this.#matches = yield* matchInodes(this.#reader, sent, other)
      const { uuid: cloneUuid, ctransid: cloneCtransid } = identityOf(parent)
      this.#emit('snapshot', { ...identity, cloneUuid, cloneCtransid })
    }
    this.#names = new NamePlan({ sent: this.#inodes, parent: this.#others, matches: this.#matches })
  }

  *#changeNames(changes: readonly NameChange[]): ReadRoutine<void> {
    for (const change of changes) {
      switch (change.kind) {
        case 'create':
          yield* this.#create(change.ino, change.path)
          break
        case 'rename':
          this.#emit('rename', { path: change.path, pathTo: change.to })
          break
        case 'link':
          this.#emit('link', { path: change.path, pathLink: change.existing })
          break
        case 'unlink':
        case 'rmdir':
          this.#emit(change.kind, { path: change.path })
      }
    }
  }

  *#create(ino: number, path: ByteString): ReadRoutine<void> {
    const { type } = this.#inodes.get(ino)!
    const named = { path, ino }
    switch (type) {
      case 'file':
        return this.#emit('mkfile', named)
      case 'directory':
        return this.#emit('mkdir', named)
      case 'fifo':
        return this.#emit('mkfifo', named)
      case 'socket':
        return this.#emit('mksock', named)
      case 'symlink': {
        const file = yield* this.#reader.open({ tree: this.#options.subvolume.id, ino })
        return this.#emit('symlink', { ...named, pathLink: yield* file.target() })
      }
      case 'block':
      case 'character': {
        const { inode } = yield* this.#reader.open({ tree: this.#options.subvolume.id, ino })
        this.#emit('mknod', { ...named, rdev: deviceOf(inode), mode: MODE_TYPE[type] | inode.mode })
      }
    }
  }

  *#open(ino: number, sent: { inode?: SentInode }): ReadRoutine<void> {
    const { subvolume, parent } = this.#options
    const other = this.#matches.get(ino)
    sent.inode = {
      path: this.#names.pathOf(ino),
      file: yield* this.#reader.open({ tree: subvolume.id, ino }),
      other: other === undefined ? undefined : yield* this.#reader.open({ tree: parent!.id, ino: other }),
    }
  }

  *#sendInode(sent: SentInode): Generator<ReadRoutine<void>> {
    const { file, other, path } = sent
    const state: InodeState = { isChanged: other === undefined, modeIsSet: false, ranges: [], extents: [] }
    yield this.#changeXattrs(sent, state)
    if (file.inode.type === 'file') {
      yield this.#compareContent(sent, state)
      const { size, ino } = file.inode
      const before = other?.inode.size ?? 0
      if (before > size) this.#emit('truncate', { path, size })
      let end = Math.min(before, size)
      for (const range of state.ranges) {
        yield* this.#sendRange(sent, range)
        end = Math.max(end, range.end)
      }
      if (end < size) this.#emit('truncate', { path, size })
      if (state.ranges.length > 0 || before !== size) state.isChanged = true
      for (const extent of state.extents) this.#clones.add(ino, size, extent)
    }
    yield this.#changeMetadata(sent, state)
  }

  *#changeXattrs({ path, file, other }: SentInode, state: InodeState): ReadRoutine<void> {
    const wanted = yield* file.xattrs()
    const there = other === undefined ? [] : yield* other.xattrs()
    for (const { name } of there) {
      if (wanted.some((xattr) => xattr.name === name)) continue
      this.#emit('removeXattr', { path, xattrName: name })
      state.isChanged = true
    }
    for (const { name, value } of wanted) {
      if (name === CAPABILITY || isThere(there, name, value)) continue
      this.#emit('setXattr', { path, xattrName: name, xattrData: value })
      state.isChanged = true
      if (name === POSIX_ACL_ACCESS) state.modeIsSet = true
    }
  }

  *#compareContent({ file, other }: SentInode, state: InodeState): ReadRoutine<void> {
    const extents = yield* file.extents()
    const parent = other && { size: other.inode.size, extents: yield* other.extents() }
    state.extents = extents
    for (const range of differingRanges({ size: file.inode.size, extents }, parent)) {
      // What is in the tree has no address to compare.
      if (other === undefined || !(yield* isInlineSame(range, file, other))) state.ranges.push(range)
    }
  }

  *#sendRange({ path, file }: SentInode, { start, end, extent }: SentRange): Generator<ReadRoutine<void>> {
    const { inode } = file
    if (extent === undefined) {
      yield* this.#sendHole(path, start, end)
      return
    }
    const source = this.#clones.find(inode.size, start, end, extent)
    if (source !== undefined) {
      const { uuid: cloneUuid, ctransid: cloneCtransid } = identityOf(this.#options.subvolume)
      const clonePath = this.#names.pathOf(source.ino)
      const from = { cloneUuid, cloneCtransid, clonePath, cloneOffset: source.offset }
      this.#emit('clone', { path, fileOffset: start, cloneLen: end - start, ...from })
      yield nothing()
    } else if (this.#staysCompressed(inode, start, end, extent)) {
      yield this.#sendCompressed(path, file, start, end, extent)
    } else {
      for (let at = start; at < end;) {
        const pieceEnd = Math.min(end, at - (at % this.#maxWrite) + this.#maxWrite)
        yield this.#sendPlain(path, file, at, pieceEnd)
        at = pieceEnd
      }
    }
  }

  /** Version 1 has no holes in what was content before: they become zeros. */
  *#sendHole(path: ByteString, start: number, end: number): Generator<ReadRoutine<void>> {
    if (this.#options.version > 1) {
      const fallocateMode = FALLOCATE.punchHole | FALLOCATE.keepSize
      this.#emit('fallocate', { path, fallocateMode, fileOffset: start, size: end - start })
      yield nothing()
      return
    }
    for (let at = start; at < end; at += this.#maxWrite) {
      this.#write(path, at, new Uint8Array(Math.min(this.#maxWrite, end - at)))
      yield nothing()
    }
  }

  *#sendPlain(path: ByteString, file: BtrfsInode, start: number, end: number): ReadRoutine<void> {
    this.#write(path, start, yield* file.read(start, end - start))
  }

  #write(path: ByteString, fileOffset: number, data: Uint8Array): void {
    this.#emit('write', { path, fileOffset, data })
    this.counts.contentBytes += data.length
  }

  /** Whether the receiver's file system can take an extent as it is. (btrfs_do_encoded_write) */
  #staysCompressed({ size }: Inode, start: number, end: number, extent: FileExtent): boolean {
    const { sectorsize } = this.#reader.superblock
    return (
      this.#options.compressedData &&
      extent.type === 'regular' &&
      extent.compression !== 'none' &&
      start % sectorsize === 0 &&
      (end % sectorsize === 0 || end === size)
    )
  }

  *#sendCompressed(
    path: ByteString,
    file: BtrfsInode,
    start: number,
    end: number,
    extent: FileExtent,
  ): ReadRoutine<void> {
    const [{ bytes: data }] = yield* file.readStored!(start, end - start)
    this.#emit('encodedWrite', {
      ...{ path, fileOffset: start, unencodedFileLen: end - start },
      ...{ unencodedLen: extent.ramBytes, unencodedOffset: extent.offset + start - extent.fileOffset },
      ...{ compression: encodingOf(extent, this.#reader.superblock.sectorsize), encryption: 0, data },
    })
    this.counts.contentBytes += data.length
  }

  *#changeMetadata({ path, file, other }: SentInode, state: InodeState): ReadRoutine<void> {
    const { inode } = file
    const before = other?.inode
    const changesOwner = before === undefined || inode.uid !== before.uid || inode.gid !== before.gid
    if (changesOwner) this.#emit('chown', { path, uid: inode.uid, gid: inode.gid })
    // A new owner takes setuid and setgid away, and an ACL changes the mode.
    const changesMode = changesOwner || state.modeIsSet || inode.mode !== before.mode
    if (inode.type !== 'symlink' && changesMode) this.#emit('chmod', { path, mode: inode.mode })
    let isChanged = state.isChanged || changesOwner || changesMode
    isChanged = (yield* this.#setCapability({ path, file, other }, isChanged)) || isChanged
    const changesFlags = before === undefined ? file.rawFlags !== 0n : file.rawFlags !== other!.rawFlags
    if (this.#options.version > 1 && changesFlags) this.#emit('fileattr', { path, fileattr: file.rawFlags })
    if (isChanged || this.#names.touched.has(inode.ino) || !hasTimesOf(inode, before!)) {
      const { atime, mtime, ctime = mtime, birthtime: otime } = inode
      const isNewer = this.#options.version > 1
      this.#emit('utimes', { path, atime, mtime, ctime, ...(isNewer && { otime }) })
    }
  }

  *#setCapability({ path, file, other }: SentInode, isChanged: boolean): ReadRoutine<boolean> {
    const capability = (yield* file.xattrs()).find(({ name }) => name === CAPABILITY)
    if (capability === undefined) return false
    const { name, value } = capability
    if (!isChanged && other !== undefined && isThere(yield* other.xattrs(), name, value)) return false
    this.#emit('setXattr', { path, xattrName: name, xattrData: value })
    return true
  }

  *#end(): ReadRoutine<void> {
    this.#emit('end', {})
  }

  #emit<Name extends CommandName>(name: Name, attributes: CommandAttributes<Name>): void {
    this.#out.push(encodeCommand(name, attributes, this.#options.version))
    this.counts.commands++
  }
}

/** Findings on an inode that decide what else is sent. */
interface InodeState {
  isChanged: boolean
  /** The receiver has changed the mode as well. */
  modeIsSet: boolean
  ranges: SentRange[]
  extents: readonly FileExtent[]
}

function* nothing(): ReadRoutine<void> {}

function* isInlineSame(
  { start, end, extent }: SentRange,
  file: BtrfsInode,
  other: BtrfsInode,
): ReadRoutine<boolean> {
  if (extent?.type !== 'inline' || end > other.inode.size) return false
  return equalBytes(yield* file.read(start, end - start), yield* other.read(start, end - start))
}

/** As receivers know it: where it came from, when it was received itself. (send_subvol_begin) */
function identityOf({ uuid, receivedUuid, ctransid }: Subvolume): { uuid: Uint8Array; ctransid: number } {
  return { uuid: equalBytes(receivedUuid, NO_UUID) ? uuid : receivedUuid, ctransid }
}

function isThere(xattrs: readonly Xattr[], name: ByteString, value: Uint8Array): boolean {
  const found = xattrs.find((xattr) => xattr.name === name)
  return found !== undefined && equalBytes(found.value, value)
}

function hasTimesOf(inode: Inode, before: Inode): boolean {
  return (['atime', 'mtime', 'ctime'] as const).every(
    (time) => inode[time]?.sec === before[time]?.sec && inode[time]?.nsec === before[time]?.nsec,
  )
}

/** (new_encode_dev) */
function deviceOf({ major, minor }: Inode): number {
  return ((minor & 0xff) | (major << 8)) + (minor & 0xfff00) * 2 ** 12
}

function encodingOf({ compression }: FileExtent, sectorsize: number): number {
  if (compression === 'zlib') return ENCODING.zlib
  if (compression === 'zstd') return ENCODING.zstd
  return Math.min(ENCODING_LZO_64K, ENCODING.lzo4k + Math.log2(sectorsize / 4096))
}
