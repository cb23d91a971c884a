/**
 * What the commands print with `--json`, as types. `diskwright schema NAME` prints their JSON Schemas, which
 * test/cli/output-schemas.test.ts makes of this file. A key that may be undefined is left out of the JSON.
 */
import type { BootResult } from '../boot/boot-image.ts'
import type { BuildResult } from '../build/result.ts'
import type { ExtractSendResult } from '../image/extract/extract-send.ts'
import type { ExtractTarResult } from '../image/extract/extract-tar.ts'
import type { ExtractResult } from '../image/extract/options.ts'
import type { ImageReport } from '../image/report.ts'
import type { VerifyResult } from '../image/verify.ts'
import type { Finding } from '../lib/finding.ts'
import type { ImagePlan } from '../spec/plan/image-plan.ts'

/** `build --json` */
export type BuildOutput = BuildResult

/** `plan --json` */
export type PlanOutput = ImagePlan

/** `ls --json` of an image with several partitions */
export interface PartitionsOutput {
  /** Bytes of the image. */
  size: number
  /** How the image is compressed; null if it is not. */
  compression: string | null
  /** Null if there is no partition table. */
  table: { type: string; diskId?: number | string; guid?: string } | null
  partitions: {
    number: number
    /** Offset in the image, in bytes. */
    start: number
    size: number
    /** Type in the table: a byte in an MBR, a GUID in a GPT. */
    type?: number | string
    bootable: boolean
    /** Name in a GPT. */
    name?: string
    /** The file system or other content; null if it is unknown. */
    content: string | null
    label?: string
  }[]
}

/**
 * An entry of a directory. In names that are not UTF-8, the other bytes are shown as `\xNN`, and a second key has all
 * bytes.
 */
export interface EntryOutput {
  path: string
  /** The bytes of `path` in hexadecimal, if it is not UTF-8. */
  pathBytes?: string
  type: 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'block' | 'character'
  /** Permissions in octal: `0644`. */
  mode: string
  uid: number
  gid: number
  nlink: number
  /** Bytes of content; for a directory, what the file system reports. */
  size: number
  /** In the format of ISO 8601, to the nanosecond. */
  mtime: string
  atime: string
  ctime?: string
  birthtime?: string
  inode: number
  /** Of a device node. */
  major?: number
  /** Of a device node. */
  minor?: number
  /** Target of a symlink. */
  target?: string
  /** The bytes of `target` in hexadecimal, if it is not UTF-8. */
  targetBytes?: string
  /** Inode flags on BTRFS, DOS attributes on FAT. */
  flags?: string[]
  /** Id of the subvolume, if the entry is the root of one. */
  subvolume?: number
}

/** `ls --json` */
export type LsOutput = PartitionsOutput | EntryOutput[]

/** `verify --json` */
export interface VerifyOutput extends VerifyResult {
  /** With `--boot`: what may keep the image from booting. */
  boot?: Finding[]
}

/** `diff --json`; an empty list if the images are equal */
export type DiffOutput = DifferenceOutput[]

export interface DifferenceOutput {
  /** Number of the partition; null if the difference concerns the image. */
  partition: number | null
  /** Path of the entry; null if the difference does not concern an entry. */
  path: string | null
  /** The property that differs, or `entry` if the entry is in one image only. */
  what: string
  /** Value in the first image; null if it has none. */
  a: string | null
  /** Value in the second image; null if it has none. */
  b: string | null
}

/** `inspect --json` */
export type InspectOutput = ImageReport

/** `extract --json`: to a directory, an archive, or a stream of `btrfs send` */
export type ExtractOutput = DirectoryOutput | ArchiveOutput | StreamOutput

interface Written {
  /** The file or directory that was written; null for standard output. */
  output: string | null
}
export interface DirectoryOutput extends ExtractResult, Written {}
export interface ArchiveOutput extends ExtractTarResult, Written {}
export interface StreamOutput extends ExtractSendResult, Written {}

/** `boot --json` */
export type BootOutput = BootResult

/** A line of `--progress json` on standard error */
export interface ProgressOutput {
  /** Stable name of the step, for programs: `read`. */
  phase: string
  /** The step in words, for people: `reading closure.tar`. */
  step: string
  /** Bytes of this step that are done. */
  done: number
  /** Bytes of this step, if known. */
  total: number | undefined
  /** Entries of all sources so far. */
  entries?: number
}
