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
import type { ImagePlan } from '../spec/image-plan.ts'

/** `build --json` */
export type BuildOutput = BuildResult

/** `plan --json` */
export type PlanOutput = ImagePlan

/** `ls --json` of an image with several partitions */
export interface PartitionsOutput {
  /** Bytes of the image. */
  size: number
  /** How the image is compressed; null: not at all. */
  compression: string | null
  /** Null: there is none. */
  table: { type: string; diskId?: number | string; guid?: string } | null
  partitions: {
    number: number
    /** Offset in the image, in bytes. */
    start: number
    size: number
    /** The type in the table. */
    type?: number | string
    bootable: boolean
    /** The name in a GPT. */
    name?: string
    /** The file system, or other content; null: not known. */
    content: string | null
    label?: string
  }[]
}

/** An entry of a directory. Names that are not UTF-8 have `\xNN` for the bytes that are not, and all bytes beside them. */
export interface EntryOutput {
  path: string
  /** In hexadecimal, where `path` is not UTF-8. */
  pathBytes?: string
  type: 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'block' | 'character'
  /** In octal: `0644`. */
  mode: string
  uid: number
  gid: number
  nlink: number
  /** Bytes of content; of a directory what the file system says. */
  size: number
  /** ISO 8601, to the nanosecond. */
  mtime: string
  atime: string
  ctime?: string
  birthtime?: string
  inode: number
  /** Of a device. */
  major?: number
  /** Of a device. */
  minor?: number
  /** Of a symlink. */
  target?: string
  targetBytes?: string
  /** Inode flags of BTRFS, attributes of FAT. */
  flags?: string[]
  /** Id of the subvolume whose root it is. */
  subvolume?: number
}

/** `ls --json` */
export type LsOutput = PartitionsOutput | EntryOutput[]

/** `verify --json` */
export interface VerifyOutput extends VerifyResult {
  /** With `--boot`: what may keep the image from booting. */
  boot?: Finding[]
}

/** `diff --json`: nothing differs when it is empty */
export type DiffOutput = DifferenceOutput[]

export interface DifferenceOutput {
  /** Number of the partition; null: it is about the image. */
  partition: number | null
  /** Null: the message is not about an entry. */
  path: string | null
  /** The property, or `entry`: it is in one image only. */
  what: string
  /** In the first image; null: not there. */
  a: string | null
  /** In the second image; null: not there. */
  b: string | null
}

/** `inspect --json` */
export type InspectOutput = ImageReport

/** `extract --json`: to a directory, an archive, or a stream of `btrfs send` */
export type ExtractOutput = DirectoryOutput | ArchiveOutput | StreamOutput

interface Written {
  /** The file or directory; null: standard output. */
  output: string | null
}
export interface DirectoryOutput extends ExtractResult, Written {}
export interface ArchiveOutput extends ExtractTarResult, Written {}
export interface StreamOutput extends ExtractSendResult, Written {}

/** `boot --json` */
export type BootOutput = BootResult

/** A line of `--progress json`, on standard error */
export interface ProgressOutput {
  /** A stable name for the step: `read`. */
  phase: string
  /** The step in words: `reading closure.tar`. */
  step: string
  /** Bytes. */
  done: number
  /** Bytes, where they are known. */
  total: number | undefined
  entries?: number
}
