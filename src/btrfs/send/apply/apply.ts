/** Does to a tree what the commands of a stream say, as `btrfs receive` and the kernel do it to a subvolume. */
import { aclFromValue, changeAclMode, POSIX_ACL_ACCESS } from '../../../file-tree/posix-acl.ts'
import { MODE_TYPE, MODE_TYPE_MASK } from '../../../file-tree/mode-type.ts'
import type { ByteString } from '../../../lib/byte-string.ts'
import { SendProblem, type CommandAttributes, type SendCommand } from '../command.ts'
import { ENCODING, ENCODING_LZO_64K, FALLOCATE, MAX_WRITE_V2 } from '../format.ts'
import type { StreamStore, StoredEncoding } from './file-content.ts'
import { quoted, type SendNode, type SendTree } from './tree.ts'

const PERMISSIONS = 0o7777
const SETUID = 0o4000
const SETGID = 0o2000
const GROUP_EXECUTE = 0o010
const MAX_ID = 2 ** 32 - 1
const LZO_4K_SEGMENT = 4096
const CAPABILITY = 'security.capability'

/** Where the content of the command at hand is kept. */
export interface KeptContent {
  store: StreamStore
  position: number
  /** Offset of the command in the stream, for messages. */
  command: number
}

export interface ApplyContext {
  tree: SendTree
  /** The tree to clone from, by its UUID. */
  sourceOf: (uuid: Uint8Array) => SendTree
  /** Undefined when the command has no content. */
  kept: KeptContent | undefined
  /** Extents that may still be cloned: a short stream could double them again and again. */
  clones: { left: number }
}

/** For the `clones` of all commands of a source. */
export const MAX_CLONED_EXTENTS = 2 ** 22

/** A command that changes a subvolume. */
export type ChangeCommand = Exclude<SendCommand, { name: 'subvol' | 'snapshot' | 'end' }>

/**
 * Applies one command.
 *
 * @throws SendProblem when the kernel would refuse it: a path that is not there, or is, or is something else
 */
export function applyCommand(command: ChangeCommand, context: ApplyContext): void {
  const { tree } = context
  switch (command.name) {
    case 'mkfile':
      return create(tree, command.path, { type: 'file', mode: 0o600 })
    case 'mkdir':
      return create(tree, command.path, { type: 'directory', mode: 0o700 })
    case 'mkfifo':
      return create(tree, command.path, { type: 'fifo', mode: 0o600 })
    case 'mksock':
      return create(tree, command.path, { type: 'socket', mode: 0o600 })
    case 'mknod':
      return makeDevice(tree, command)
    case 'symlink':
      if (command.pathLink === '') throw new SendProblem('a symlink without a target')
      return create(tree, command.path, { type: 'symlink', mode: 0o777, target: command.pathLink })
    case 'rename':
      return rename(tree, command.path, command.pathTo)
    case 'link':
      return link(tree, command.path, command.pathLink)
    case 'unlink':
      return unlink(tree, command.path)
    case 'rmdir':
      return removeDirectory(tree, command.path)
    case 'setXattr':
      return setXattr(tree, command)
    case 'removeXattr': {
      const node = tree.own(tree.find(command.path).id)
      if (!node.xattrs.has(command.xattrName)) {
        throw new SendProblem(`${quoted(command.path)} has no xattr ${quoted(command.xattrName)}`)
      }
      return removeXattr(node, command.xattrName)
    }
    case 'write':
      return write(context, command)
    case 'encodedWrite':
      return writeEncoded(context, command)
    case 'clone':
      return clone(context, command)
    case 'truncate':
      return truncate(tree, command)
    case 'fallocate':
      return allocate(tree, command)
    case 'chmod':
      return changeMode(tree, command)
    case 'chown':
      return changeOwner(tree, command)
    case 'utimes': {
      const node = tree.own(tree.find(command.path).id)
      const { atime, mtime, ctime, otime = node.otime } = command
      Object.assign(node, { atime, mtime, ctime, otime })
      return
    }
    case 'fileattr':
      tree.own(tree.find(command.path).id).flags = command.fileattr
      return
    case 'updateExtent':
      throw new SendProblem(
        `the stream was made without content (btrfs send --no-data), and ${quoted(command.path)} has some`,
      )
  }
}

function create(tree: SendTree, path: ByteString, node: Parameters<SendTree['add']>[0]): void {
  const place = tree.placeOf(path)
  refuseTaken(tree, path)
  tree.link(place, tree.add(node).id)
}

function refuseTaken(tree: SendTree, path: ByteString): void {
  const { directory, name } = tree.placeOf(path)
  if (tree.get(directory).children.has(name)) throw new SendProblem(`${quoted(path)} exists already`)
}

function makeDevice(tree: SendTree, { path, mode, rdev }: CommandAttributes<'mknod'>): void {
  const kind = mode & MODE_TYPE_MASK
  if (kind !== MODE_TYPE.block && kind !== MODE_TYPE.character) {
    throw new SendProblem(`mknod: expected the mode of a device, found 0${mode.toString(8)}`)
  }
  if (rdev > MAX_ID) throw new SendProblem(`mknod: expected a device of 32 bits, found ${rdev}`)
  // (new_decode_dev)
  const major = (rdev & 0xfff00) >>> 8
  const minor = ((rdev & 0xff) | ((rdev >>> 12) & 0xfff00)) >>> 0
  create(tree, path, { type: kind === MODE_TYPE.block ? 'block' : 'character', mode: 0o600, major, minor })
}

/** (rename(2)) */
function rename(tree: SendTree, path: ByteString, to: ByteString): void {
  const { id, type } = tree.find(path)
  const from = tree.placeOf(path)
  const place = tree.placeOf(to)
  if (type === 'directory' && tree.isWithin(place.directory, id)) {
    throw new SendProblem(`${quoted(path)} cannot be moved into itself, to ${quoted(to)}`)
  }
  const replaced = tree.get(place.directory).children.get(place.name)
  // Two names of one inode stay.
  if (replaced === id) return
  if (replaced !== undefined) {
    const other = tree.get(replaced)
    if ((other.type === 'directory') !== (type === 'directory')) {
      throw new SendProblem(`${quoted(path)} is a ${type}, and ${quoted(to)} a ${other.type}`)
    }
    if (other.children.size > 0) throw notEmpty(to)
    tree.unlink(place)
  }
  // First the new name: with its last one, the node would go.
  tree.link(place, id)
  tree.unlink(from)
}

function link(tree: SendTree, path: ByteString, existing: ByteString): void {
  const { id, type } = tree.find(existing)
  if (type === 'directory')
    throw new SendProblem(`${quoted(existing)} is a directory, which cannot have hard links`)
  const place = tree.placeOf(path)
  refuseTaken(tree, path)
  tree.link(place, id)
}

function unlink(tree: SendTree, path: ByteString): void {
  if (tree.find(path).type === 'directory') throw new SendProblem(`${quoted(path)} is a directory`)
  tree.unlink(tree.placeOf(path))
}

function removeDirectory(tree: SendTree, path: ByteString): void {
  const { type, children } = tree.find(path)
  if (type !== 'directory') throw new SendProblem(`${quoted(path)} is a ${type}, not a directory`)
  if (children.size > 0) throw notEmpty(path)
  tree.unlink(tree.placeOf(path))
}

function notEmpty(path: ByteString): SendProblem {
  return new SendProblem(`${quoted(path)} is a directory that is not empty`)
}

function setXattr(tree: SendTree, { path, xattrName, xattrData }: CommandAttributes<'setXattr'>): void {
  const node = tree.own(tree.find(path).id)
  if (xattrName === POSIX_ACL_ACCESS) {
    // What the kernel sends for an ACL without entries: it removes the ACL. (process_new_xattr)
    if (xattrData.length <= 4) return removeXattr(node, xattrName)
    try {
      node.mode = (node.mode & ~0o777) | aclFromValue(xattrData).permissions
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new SendProblem(`${quoted(path)}: ${error.message}`)
    }
  }
  node.xattrs = new Map(node.xattrs).set(xattrName, xattrData)
}

function removeXattr(node: SendNode, name: ByteString): void {
  const xattrs = new Map(node.xattrs)
  xattrs.delete(name)
  node.xattrs = xattrs
}

/** A new mode is also the mask of an ACL. (posix_acl_chmod) */
function changeMode(tree: SendTree, { path, mode }: CommandAttributes<'chmod'>): void {
  const node = tree.own(tree.find(path).id)
  if (node.type === 'symlink') throw new SendProblem(`${quoted(path)} is a symlink, which has no mode`)
  node.mode = mode & PERMISSIONS
  const acl = node.xattrs.get(POSIX_ACL_ACCESS)
  if (acl === undefined) return
  node.xattrs = new Map(node.xattrs).set(POSIX_ACL_ACCESS, changeAclMode(acl, node.mode))
}

/** What others may run as its owner, they no longer may, whoever asks. (setattr_should_drop_suidgid) */
function changeOwner(tree: SendTree, { path, uid, gid }: CommandAttributes<'chown'>): void {
  if (uid > MAX_ID || gid > MAX_ID) throw new SendProblem('expected numbers of owners of 32 bits')
  const node = tree.own(tree.find(path).id)
  node.uid = uid
  node.gid = gid
  if (node.type === 'directory') return
  loseCapabilities(node)
  if (node.type === 'symlink') return
  node.mode &= ~SETUID
  if ((node.mode & GROUP_EXECUTE) !== 0) node.mode &= ~SETGID
}

/** Changes of content and owner take capabilities away. (cap_inode_killpriv) */
function loseCapabilities(node: SendNode): void {
  if (node.xattrs.has(CAPABILITY)) removeXattr(node, CAPABILITY)
}

function fileToChange(tree: SendTree, path: ByteString): SendNode {
  const { id } = findFile(tree, path)
  const node = tree.ownContent(id)
  loseCapabilities(node)
  return node
}

function findFile(tree: SendTree, path: ByteString): SendNode {
  const node = tree.find(path)
  if (node.type !== 'file') throw new SendProblem(`${quoted(path)} is a ${node.type}, not a file`)
  return node
}

function checkEnd(offset: number, length: number): number {
  const end = offset + length
  if (!Number.isSafeInteger(end)) throw new SendProblem(`${length} bytes at ${offset}: no file is that long`)
  return end
}

function write({ tree, kept }: ApplyContext, { path, fileOffset, data }: CommandAttributes<'write'>): void {
  const node = fileToChange(tree, path)
  if (data.length === 0) return
  const end = checkEnd(fileOffset, data.length)
  node.content.write({
    ...{ offset: fileOffset, length: data.length, ...kept! },
    ...{ encoding: undefined, from: 0 },
  })
  node.size = Math.max(node.size, end)
}

/** (BTRFS_IOC_ENCODED_WRITE, and btrfs receive, which decompresses what the file system cannot hold) */
function writeEncoded({ tree, kept }: ApplyContext, command: CommandAttributes<'encodedWrite'>): void {
  const { path, fileOffset, unencodedFileLen: length, unencodedLen, unencodedOffset, data } = command
  const node = fileToChange(tree, path)
  if ((command.encryption ?? 0) !== 0) {
    throw new SendProblem(`encodedWrite: expected no encryption, found ${command.encryption}`)
  }
  const part = checkEnd(unencodedOffset, length)
  if (part > unencodedLen || length === 0) {
    throw new SendProblem(
      `encodedWrite: expected a part of ${unencodedLen} bytes, found ${length} at ${unencodedOffset}`,
    )
  }
  const encoding = encodingOf(command)
  if (encoding === undefined && data.length !== unencodedLen) {
    throw new SendProblem(`encodedWrite: expected ${unencodedLen} bytes, found ${data.length}`)
  }
  const end = checkEnd(fileOffset, length)
  const { position, ...place } = kept!
  node.content.write({
    ...{ offset: fileOffset, length, ...place, encoding },
    ...(encoding === undefined
      ? { position: position + unencodedOffset, from: 0 }
      : { position, from: unencodedOffset }),
  })
  node.size = Math.max(node.size, end)
}

function encodingOf({
  compression = ENCODING.none,
  data,
  unencodedLen,
}: CommandAttributes<'encodedWrite'>): StoredEncoding | undefined {
  if (compression === ENCODING.none) return undefined
  if (unencodedLen > MAX_WRITE_V2 || data.length > MAX_WRITE_V2 || data.length === 0) {
    throw new SendProblem(
      `encodedWrite: expected 1 to ${MAX_WRITE_V2} bytes, found ${data.length} that become ${unencodedLen}`,
    )
  }
  const sizes = { storedLength: data.length, ramBytes: unencodedLen, sectorSize: LZO_4K_SEGMENT }
  if (compression === ENCODING.zlib) return { algorithm: 'zlib', ...sizes }
  if (compression === ENCODING.zstd) return { algorithm: 'zstd', ...sizes }
  if (compression >= ENCODING.lzo4k && compression <= ENCODING_LZO_64K) {
    return { algorithm: 'lzo', ...sizes, sectorSize: LZO_4K_SEGMENT << (compression - ENCODING.lzo4k) }
  }
  throw new SendProblem(`encodedWrite: unknown compression ${compression}`)
}

function clone({ tree, sourceOf, clones }: ApplyContext, command: CommandAttributes<'clone'>): void {
  const { path, fileOffset, cloneLen, cloneUuid, clonePath, cloneOffset } = command
  const source = findFile(sourceOf(cloneUuid), clonePath)
  if (checkEnd(cloneOffset, cloneLen) > source.size) {
    throw new SendProblem(
      `clone: expected a part of the ${source.size} bytes of ${quoted(clonePath)}, found ${cloneLen} at ${cloneOffset}`,
    )
  }
  const extents = source.content.slice(cloneOffset, cloneLen, fileOffset)
  clones.left -= extents.length
  if (clones.left < 0)
    throw new SendProblem(`clone: expected at most ${MAX_CLONED_EXTENTS} extents in all, found more`)
  const node = fileToChange(tree, path)
  node.content.replace(fileOffset, cloneLen, extents)
  node.size = Math.max(node.size, checkEnd(fileOffset, cloneLen))
}

function truncate(tree: SendTree, { path, size }: CommandAttributes<'truncate'>): void {
  const node = fileToChange(tree, path)
  node.content.truncate(size)
  node.size = size
}

/** (fallocate(2), with the modes that BTRFS has) */
function allocate(tree: SendTree, command: CommandAttributes<'fallocate'>): void {
  const { path, fallocateMode: mode, fileOffset, size: length } = command
  const node = fileToChange(tree, path)
  const end = checkEnd(fileOffset, length)
  const keepsSize = (mode & FALLOCATE.keepSize) !== 0
  const kind = mode & ~FALLOCATE.keepSize
  if (
    (kind !== 0 && kind !== FALLOCATE.zeroRange && !(kind === FALLOCATE.punchHole && keepsSize)) ||
    length === 0
  ) {
    throw new SendProblem(
      `fallocate: expected a mode that BTRFS has, and a length, found ${mode} and ${length}`,
    )
  }
  if (kind !== 0) node.content.replace(fileOffset, length, [])
  if (!keepsSize) node.size = Math.max(node.size, end)
}
