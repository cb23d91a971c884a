/**
 * diskwright: builds bootable disk images, reads, verifies and compares them, and boots them.
 *
 * @example
 * await buildImage(
 *   { table: { type: 'mbr' }, partitions: [{ type: 'btrfs', size: 'fit', sources: [{ tar: 'root.tar' }] }] },
 *   { output: 'disk.img.zst' },
 * )
 * const { findings } = await verifyImage('disk.img.zst')
 *
 * @module
 */

// Building.
export { buildImage } from './build/build-image.ts'
export { planImage, type PlanOptions } from './build/plan-image.ts'
export type { BuildOptions } from './build/options.ts'
export type { BuildPhase, Progress, ReplacedEntry } from './build/progress.ts'
export type { OutputFormat } from './output/output.ts'
export type * from './build/public-types.ts'
export { UnrepresentableError } from './btrfs/write/inodes.ts'

// Existing images.
export { openImage, DiskImage, ImagePartition } from './image/open-image.ts'
export { FileSystem } from './image/file-system.ts'
export { verifyImage } from './image/verify.ts'
export { diffImages, type Difference, type DiffOptions } from './image/diff.ts'
export { inspectImage } from './image/inspect.ts'
export { extractSend, extractTar, extractTo } from './image/extract/extract.ts'
export type {
  ArchiveCompression,
  ExtractFilesOptions,
  ExtractResult,
  ExtractSendOptions,
  ExtractSendResult,
  ExtractTarFilesOptions,
  ExtractTarResult,
  Loss,
  NotKept,
} from './image/extract/extract.ts'
export type { ArchiveOptions } from './image/extract/archive-file.ts'
export type { ImageSource } from './input/open-input.ts'
export type * from './image/public-types.ts'

// Booting.
export { bootImage, type BootOptions, type BootResult, type MachineName } from './boot/boot-image.ts'
export type { Outcome } from './boot/qemu/run-machine.ts'
export { lintImage, type LintOptions } from './boot/lint.ts'

// Common to all.
export * from './lib/errors.ts'
export { formatFinding } from './lib/finding.ts'
export { fileSink } from './output/file-sink.ts'
export { memorySink, type MemorySink, type Sink } from './lib/sink.ts'
