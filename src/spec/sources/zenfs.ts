import * as z from 'zod/mini'
import { expected } from '../messages.ts'
import { path } from '../schema/values.ts'
import { sourceKeys, type SourceKeysSpec, type SourceKind } from './common.ts'

/**
 * A file system of ZenFS as a source. Only in the API, not in JSON.
 *
 * @example
 * { zenfs: fs, root: '/staging' }
 */
export interface ZenfsSourceSpec extends SourceKeysSpec {
  /** The `fs` of the package @zenfs/core with all that is mounted there, or one of its file systems. */
  zenfs: ZenfsLike
  /** Directory that is the source's root. Default: `/`. */
  root?: string
}

/** The `fs` of ZenFS, or one of its file systems: the part of them that is used. */
export type ZenfsLike = ZenfsFileSystemLike | ZenfsModuleLike

/** A file system of ZenFS (`FileSystem`). */
export interface ZenfsFileSystemLike {
  /** Metadata, a symlink not followed. */
  stat(path: string): Promise<ZenfsStatsLike>
  /** Names in a directory. */
  readdir(path: string): Promise<string[]>
  /** Fills the buffer with the bytes from `start` to `end`; the content of a symlink is its target. */
  read(path: string, buffer: Uint8Array, start: number, end: number): Promise<void>
}

/** The `fs` of ZenFS. */
export interface ZenfsModuleLike {
  /** Calls of node:fs. */
  promises: {
    lstat(path: string): Promise<ZenfsStatsLike>
    readdir(path: string): Promise<string[]>
    readlink(path: string): Promise<string>
    open(path: string, flags: string): Promise<ZenfsHandleLike>
  }
  /** Calls for extended attributes. */
  xattr?: {
    list(path: string): Promise<string[]>
    // Its own type takes no other names than those of four namespaces.
    get(path: string, name: never): Promise<Uint8Array | string>
  }
}

/** An open file of ZenFS. */
export interface ZenfsHandleLike {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
  close(): Promise<void>
}

/** Metadata of an inode of ZenFS. */
export interface ZenfsStatsLike {
  ino: number
  nlink: number
  size: number
  /** Type and permissions, as in struct stat. */
  mode: number
  uid: number
  gid: number
  rdev: number
  /** Milliseconds since 1970, as are the other times. */
  atimeMs: number
  mtimeMs: number
  ctimeMs: number
  birthtimeMs: number
  /** Extended attributes. */
  attributes?: { keys(): Iterable<string>; get(name: string): Uint8Array | undefined }
}

export interface ZenfsSourcePlan {
  kind: 'zenfs'
  /** JSON path of the source, for messages. */
  name: string
  zenfs: ZenfsLike
  root: string
}

/** A file system of ZenFS that will be read. */
export interface PlannedZenfsSource {
  kind: 'zenfs'
  root: string
}

function isZenfs(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { promises, stat, readdir, read } = value as Record<string, unknown>
  if (typeof promises === 'object' && promises !== null) return 'lstat' in promises && 'readdir' in promises
  return [stat, readdir, read].every((method) => typeof method === 'function')
}

/**
 * The keys of this kind of source, and what becomes of them.
 *
 * @internal the schema library is no part of the declarations
 */
export const zenfsSource = {
  schema: z.strictObject({
    zenfs: z
      .custom<ZenfsLike>(isZenfs, expected('the fs of @zenfs/core, or one of its file systems'))
      .check(z.describe('The fs of the package @zenfs/core, or one of its file systems.')),
    root: z
      .optional(path)
      .check(z.describe("Directory that is the source's root."), z.meta({ default: '/' })),
    ...sourceKeys,
  }),
  resolve: ({ zenfs, root = '/' }, { name }) => ({ kind: 'zenfs', name, zenfs, root }),
  show: ({ root }) => ({ kind: 'zenfs', root }),
} satisfies SourceKind<ZenfsSourceSpec, ZenfsSourcePlan, PlannedZenfsSource>
