/** The one vocabulary for what is wrong with an image, or worth knowing of it. */
import { CorruptError, InputError } from './errors.ts'

/** `error`: damage, or the image does not boot. `warning`: something may fail. `notice`: sound, but worth knowing. */
export type Severity = 'error' | 'warning' | 'notice'

/** Something found in an image, a description or a build. */
export interface Finding {
  severity: Severity
  /** The structure or file: `superblock`, `partition 2 (NIXOS_SD), /boot/extlinux/extlinux.conf`. */
  where: string
  /** One sentence for people, without `where`. */
  message: string
  /** Offset in the image or file system that was examined, in bytes; undefined if there is no single place. */
  offset?: number | undefined
  /** The value that the format requires; undefined if no values were compared. */
  expected?: string | undefined
  /** The value that was found instead. */
  found?: string | undefined
  /** Number of the partition; undefined for the image itself and its partition table, and without a table. */
  partition?: number | undefined
  /** Content of the partition: `btrfs`, `fat32`, another file system, or `unknown`. */
  content?: string | undefined
}

/** Called with each finding as it is made. */
export type OnFinding = (finding: Finding) => void

/** A place where an image does not hold what its format demands. */
export interface Mismatch extends Finding {
  offset: number
  expected: string
  found: string
}

/** @param place the structure, its offset in bytes, what it should hold and what it holds */
export function mismatch({
  where,
  offset,
  expected,
  found,
}: Pick<Mismatch, 'where' | 'offset' | 'expected' | 'found'>): Mismatch {
  const message = `expected ${expected}, found ${found}`
  return { severity: 'error', where, message, offset, expected, found }
}

/** A line of text, without the severity: `partition 2: superblock at offset 65536: expected ..., found ...`. */
export function formatFinding({ partition, where, offset, message }: Finding): string {
  const place = partition === undefined ? where : `partition ${partition}: ${where}`
  return offset === undefined ? `${place}: ${message}` : `${place} at offset ${offset}: ${message}`
}

/**
 * The finding for an error of a reader: damage, or bytes that cannot be read.
 *
 * @throws the error itself when it is any other
 */
export function findingOf(error: unknown): Mismatch {
  if (error instanceof InputError) {
    const { message, offset = 0 } = error
    return mismatch({ where: 'image', offset, expected: 'bytes that can be read', found: message })
  }
  if (!(error instanceof CorruptError)) throw error
  const { what, offset, expected, found } = error
  return mismatch({ where: what, offset, expected, found })
}
