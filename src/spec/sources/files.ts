import * as z from 'zod/mini'
import type { Entry, Timestamp } from '../../file-tree/entry.ts'
import { dispatch } from '../schema/dispatch.ts'
import { found } from '../messages.ts'
import { fileName, path, text } from '../schema/values.ts'
import { sourceKeys, type SourceContext, type SourceKeysSpec, type SourceKind } from './common.ts'
import {
  bytesOfSpec,
  bytesValue,
  deviceKeys,
  entryKeys,
  entryMetadataOf,
  targetKey,
  type Base64Spec,
  type EntryKeysSpec,
} from './entry-spec.ts'

/** Files that stand in the description itself as a source. */
export interface FilesSourceSpec extends SourceKeysSpec {
  /**
   * Entries by their paths, in this order. Text is a file's content. Missing parents are made; a hard link comes after
   * its file.
   *
   * @example { '/etc/hostname': 'pi\n', '/root/.ssh/authorized_keys': { from: 'key.pub', mode: '0600' } }
   */
  files: Record<string, FileSpec>
}

/** An entry: the text of a file, or an object whose `type` (by default `file`) decides which keys it has. */
export type FileSpec =
  | string
  | ContentFileSpec
  | HostFileSpec
  | DirectoryEntrySpec
  | LinkEntrySpec
  | DeviceEntrySpec
  | SpecialEntrySpec

/** A file whose content stands in the description. */
export interface ContentFileSpec extends EntryKeysSpec {
  /** A file. */
  type?: 'file'
  /** Text, or bytes in base64. Default: empty. */
  content?: string | Base64Spec
}

/** A file with the content of one of this machine. */
export interface HostFileSpec extends EntryKeysSpec {
  /** A file. */
  type?: 'file'
  /** File with the content. Without a `mode`, it is `0755` when somebody may execute that file, else `0644`. */
  from: string
}

/** A directory. */
export interface DirectoryEntrySpec extends EntryKeysSpec {
  /** A directory. */
  type: 'directory'
}

/** A link. */
export interface LinkEntrySpec extends EntryKeysSpec {
  /** A symlink, or one more name of a file. */
  type: 'symlink' | 'hardlink'
  /** Target of the symlink, unchanged; or the path of the file, which comes before. */
  target: string
}

/** A device. */
export interface DeviceEntrySpec extends EntryKeysSpec {
  /** A block or character device. */
  type: 'block' | 'character'
  /** Number of the device's driver. */
  major: number
  /** Number of the device. */
  minor: number
}

/** A named pipe or a socket. */
export interface SpecialEntrySpec extends EntryKeysSpec {
  /** A named pipe, or a socket. */
  type: 'fifo' | 'socket'
}

export interface FilesSourcePlan {
  kind: 'files'
  /** JSON path of the source, for messages. */
  name: string
  /** Time of entries that have none. */
  time: Timestamp
  files: readonly FilePlan[]
}

/** An entry, and the file of this machine that its content comes from; that one decides about a mode that is not given. */
export interface FilePlan {
  entry: Entry
  from: string | undefined
}

/** Files that stand in the description. */
export interface PlannedFilesSource {
  kind: 'files'
  /** Paths of the files. */
  files: string[]
}

const type = <Name extends string>(...names: Name[]) =>
  z.literal(names).check(z.describe('What the entry is; a file by default.'))

const FILE_TYPES = {
  content: z.strictObject({
    type: z.optional(type('file')),
    content: z.optional(bytesValue).check(z.describe('Text, or bytes as {"base64": "..."}.')),
    ...entryKeys,
  }),
  from: z.strictObject({
    type: z.optional(type('file')),
    from: fileName.check(z.describe('File with the content.')),
    ...entryKeys,
  }),
  directory: z.strictObject({ type: type('directory'), ...entryKeys }),
  link: z.strictObject({ type: type('symlink', 'hardlink'), ...targetKey, ...entryKeys }),
  device: z.strictObject({ type: type('block', 'character'), ...deviceKeys, ...entryKeys }),
  special: z.strictObject({ type: type('fifo', 'socket'), ...entryKeys }),
}
const TEXT = text('the text of a file', /^/)

const SCHEMA_OF_TYPE: Record<string, z.ZodMiniObject> = {
  directory: FILE_TYPES.directory,
  symlink: FILE_TYPES.link,
  hardlink: FILE_TYPES.link,
  block: FILE_TYPES.device,
  character: FILE_TYPES.device,
  fifo: FILE_TYPES.special,
  socket: FILE_TYPES.special,
}

function schemaOfFile(input: unknown): z.ZodMiniType | string {
  if (typeof input === 'string') return TEXT
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return `expected the text of a file, or an object, found ${found(input)}`
  }
  const { type = 'file', content, from } = input as Record<string, unknown>
  if (type === 'file') {
    if (content !== undefined && from !== undefined)
      return 'has both "content" and "from": leave one of them out'
    return from === undefined ? FILE_TYPES.content : FILE_TYPES.from
  }
  if (typeof type === 'string' && Object.hasOwn(SCHEMA_OF_TYPE, type)) return SCHEMA_OF_TYPE[type]
  const names = ['file', ...Object.keys(SCHEMA_OF_TYPE)].map((name) => JSON.stringify(name)).join(', ')
  return `"type": expected one of ${names}, found ${found(type)}`
}

/**
 * Checks one file of a description.
 *
 * @internal the schema library is no part of the declarations
 */
export const fileSpec = dispatch<FileSpec>(
  'An entry: the text of a file, or an object whose "type" decides which keys it has.',
  schemaOfFile,
  () => [TEXT, ...Object.values(FILE_TYPES)],
)

/**
 * The keys of this kind of source, and what becomes of them.
 *
 * @internal the schema library is no part of the declarations
 */
export const filesSource = {
  schema: z.strictObject({
    files: z
      .record(path, fileSpec)
      .check(z.describe("Entries by their paths, in this order; text is a file's content.")),
    ...sourceKeys,
  }),
  resolve: ({ files }, context) => ({
    kind: 'files',
    name: `${context.name}.files`,
    time: context.time,
    files: Object.entries(files).map(([path, spec]) => resolveFile(path, spec, context)),
  }),
  show: ({ files }) => ({ kind: 'files', files: files.map(({ entry }) => entry.path) }),
} satisfies SourceKind<FilesSourceSpec, FilesSourcePlan, PlannedFilesSource>

function resolveFile(path: string, spec: FileSpec, { resolvePath }: SourceContext): FilePlan {
  if (typeof spec === 'string') return { entry: { path, type: 'file', content: spec }, from: undefined }
  const { type = 'file', mode, uid, gid, mtime, xattrs, ...rest } = spec
  const { content, from, ...others } = rest as { content?: string | Base64Spec; from?: string }
  return {
    entry: {
      path,
      type,
      ...others,
      ...entryMetadataOf({ mode, uid, gid, mtime, xattrs }),
      ...(content !== undefined && { content: bytesOfSpec(content) }),
    },
    from: from && resolvePath(from),
  }
}
