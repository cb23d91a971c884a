/** What the page asks its worker, and what that answers. Everything is copied from one to the other. */
import type {
  BuildResult,
  Difference,
  Finding,
  ImagePlan,
  ImageReport,
  ImageSpec,
  InodeRef,
  OutputFormat,
  SpecIssue,
  Stat,
  VerifyResult,
} from '../../src/browser/index.ts'

/** Where an image is. */
export type Place = { file: File } | { url: string }

export interface OpenedImage {
  /** Which of the open images. */
  id: number
  name: string
  /** Bytes, uncompressed. */
  size: number
  compression: { format: string; frames: number; storedBytes: number } | undefined
  /** `mbr`, `gpt`, `hybrid`; undefined without a table. */
  table: string | undefined
  partitions: OpenedPartition[]
}

export interface OpenedPartition {
  /** 0: the image has no table. */
  number: number
  start: number
  size: number
  label: string
  /** What is in it: `btrfs`, `fat32`; undefined when that is unknown. */
  content: string | undefined
  /** The root, when it can be browsed. */
  root: InodeRef | undefined
  /** Why it cannot be. */
  problem: string | undefined
}

/** A directory or file of an open image. */
export interface Node {
  image: number
  partition: number
  ref: InodeRef
}

export interface Entry {
  name: string
  ref: InodeRef
  type: Stat['type']
  /** The root of a BTRFS subvolume. */
  isSubvolume: boolean
  size: number
  mode: number
  uid: number
  gid: number
  /** Seconds since 1970. */
  mtime: number
  /** Of a symlink. */
  target: string | undefined
}

/** Where a file goes that is made here. */
export type Target =
  | { to: 'picked'; handle: FileSystemFileHandle }
  /** The origin private file system, or memory where there is none; the page saves it then. */
  | { to: 'page' }

export interface Saved {
  bytes: number
  /** For the page to save; undefined when it has its place. */
  file: Blob | undefined
}

export interface BuildRequest {
  spec: ImageSpec
  files: Record<string, File>
  format: OutputFormat
  target: Target
}

export interface Built extends Saved {
  result: BuildResult
  /** Of the file, in hexadecimal. */
  sha256: string
}

export interface Plan {
  plan: ImagePlan | undefined
  issues: readonly SpecIssue[]
}

/** The functions of the worker. */
export interface Calls {
  open(place: Place): Promise<OpenedImage>
  close(image: number): Promise<void>
  /** The entries of a directory: directories first, in the order of their names. */
  list(node: Node): Promise<Entry[]>
  /** The start of a file. */
  read(node: Node, length: number): Promise<Uint8Array<ArrayBuffer>>
  /** A file as it is, or a tar archive of a directory. */
  save(node: Node, type: 'file' | 'tar', target: Target): Promise<Saved>
  inspect(image: number): Promise<ImageReport>
  verify(image: number): Promise<VerifyResult>
  /** Up to `limit` of the differences, and how many there are. */
  compare(a: number, b: number, ignore: string[], limit: number): Promise<Comparison>
  plan(spec: ImageSpec): Promise<Plan>
  build(request: BuildRequest): Promise<Built>
}

export interface Comparison {
  differences: Difference[]
  count: number
}

export interface ProgressNote {
  step: string
  done: number
  total: number | undefined
}

export type ToWorker =
  { type: 'call'; call: number; name: keyof Calls; arguments: unknown[] } | { type: 'cancel'; call: number }

export type FromWorker =
  | { type: 'result'; call: number; value: unknown }
  | { type: 'error'; call: number; name: string; message: string; isCancelled: boolean }
  | { type: 'progress'; call: number; progress: ProgressNote }
  | { type: 'finding'; call: number; finding: Finding }
