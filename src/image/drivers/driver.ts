/** The interface through which image/, boot/ and zenfs/ know file systems. */
import type { Subvolume } from '../../btrfs/read/open.ts'
import type { FileLayout } from '../../file-tree/file-layout.ts'
import type { FileSystemReader, InodeRef } from '../../file-tree/reader.ts'
import type { ByteSource } from '../../lib/byte-source.ts'
import type { OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import type { BootPartition } from '../../uboot/boot-tree.ts'
import type { FileSystemUsage } from '../report.ts'

/** A file system as its first bytes identify it. */
export interface Identity<Type extends string = string> {
  type: Type
  /** '' when it has none. */
  label: string
  /** As `blkid` shows it; '' when it is damaged. */
  uuid: string
}

/** One family of file systems. A new one is a file in this folder and a line in the table. */
export interface FileSystemDriver<Type extends string = string> {
  /** Name of the family. File systems of one family can be compared with each other. */
  readonly name: string
  /** Its name in errors: `BTRFS`. */
  readonly title: string
  /** The types that it distinguishes. */
  readonly types: readonly Type[]
  /** Its number in statfs(2) and its name for mount(8) on Linux. (linux/magic.h) */
  readonly linux: { readonly magic: number; readonly name: string }
  /** It has no magic number of its own, and is tried after everything that has. */
  readonly isWeak?: true
  /**
   * Recognizes it, also when it is damaged.
   *
   * @param start the first 4096 bytes, or all there are
   */
  identify(start: Uint8Array): ReadRoutine<Identity<Type> | undefined>
  /**
   * Recognizes it by copies of what `identify` looks at, when nothing else was recognized.
   *
   * @param size bytes of the partition
   */
  identifyCopy?(size: number): ReadRoutine<Identity<Type> | undefined>
  /**
   * Opens the file system that takes all of `source`.
   *
   * @param onFinding called with notices of its state, and with damage that reading can do without
   * @throws CorruptError when it is damaged where reading begins
   * @throws UnsupportedError when it has unknown features
   */
  open(source: ByteSource, onFinding: OnFinding): Promise<OpenedFileSystem<Type>>
  /**
   * Checks the file system that takes all of `source`. Damage is no error.
   *
   * @throws UnsupportedError when it has unknown features
   */
  check(source: ByteSource, options: CheckOptions): Promise<void>
}

export interface CheckOptions {
  /** Called with each finding as it is made; offsets are those of the source. */
  onFinding: OnFinding
  /** Leave out the content of files. */
  quick: boolean
  /** Threads that may help; 0: the calling thread does it all. */
  workers: number
  /** @param done bytes checked, of about `total` */
  onProgress: (done: number, total: number) => void
  signal?: AbortSignal | undefined
}

/** A file system that is open. */
export interface OpenedFileSystem<Type extends string = string> extends Identity<Type> {
  readonly reader: FileSystemReader
  /** In the order of their ids, the top level first; undefined where the format has none. */
  subvolumes?(): ReadRoutine<Subvolume[]>
  /** Begins the stream that `btrfs send` makes of a subvolume; undefined where the format has none. */
  send?(options: SendOptions): Promise<SentStream>
  /** Looks at all metadata, and at no content. */
  usage(options: UsageOptions): Promise<FileSystemUsage>
  /** Properties that are compared besides label, UUID and entries, as texts by their names. */
  facts?(): ReadRoutine<Record<string, string>>
  /** The file system as a boot loader sees it; undefined where none can read it. */
  bootView?(): Promise<BootView>
}

export interface SendOptions {
  /** Root of the subvolume that is sent. */
  subvolume: InodeRef
  /** Root of the one that the receiver has; undefined: all is sent. */
  parent?: InodeRef | undefined
  /** Of the protocol. */
  version: 1 | 2
  /** Compressed extents are sent as they are stored. */
  compressedData: boolean
}

/** A stream that is being made. */
export interface SentStream {
  /** So far. */
  readonly counts: { readonly commands: number; readonly contentBytes: number }
  /** The next pieces; undefined at the end. */
  next(): ReadRoutine<Uint8Array[] | undefined>
}

export interface UsageOptions {
  /** Called with damage; the numbers are then those of the rest. */
  onFinding: OnFinding
  /** Called with what comes next, in a few words. */
  onStep: (step: string) => void
  signal?: AbortSignal | undefined
}

export interface BootView extends Pick<BootPartition, 'type' | 'fatType' | 'btrfs'> {
  /** The directory from which a boot loader resolves paths. */
  root: InodeRef
  /** How a file of `size` bytes is stored. */
  layout: (file: InodeRef, size: number) => ReadRoutine<FileLayout>
}
