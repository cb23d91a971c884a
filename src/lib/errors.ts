/**
 * Errors that a user can cause. Anything else that is thrown is a
 * mistake of the programmer.
 */
import type { Finding } from './finding.ts'

/** Base of every error a user can cause. `code` is stable and meant for programs. */
export abstract class DiskwrightError extends Error {
  abstract readonly code: string

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** One thing wrong with an image description. */
export interface SpecIssue {
  /** Its place in the JSON, for example `partitions[1].subvolumes[0].name`; '' is the whole document. */
  path: string
  message: string
}

/** The image description is wrong; all that is wrong with it at once. */
export class SpecError extends DiskwrightError {
  readonly code = 'SPEC'
  readonly issues: readonly SpecIssue[]

  constructor(issues: readonly SpecIssue[]) {
    super(issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('\n'))
    this.issues = issues
  }
}

/** An input is wrong: which source, which entry, at which byte offset of the (uncompressed) source. */
export class InputError extends DiskwrightError {
  readonly code = 'INPUT'
  readonly source: string
  readonly entry: string | undefined
  readonly offset: number | undefined

  constructor(
    message: string,
    where: { source: string; entry?: string; offset?: number },
    options?: ErrorOptions,
  ) {
    const entry = where.entry === undefined ? '' : `: entry ${JSON.stringify(where.entry)}`
    const offset = where.offset === undefined ? '' : ` at offset ${where.offset}`
    super(`${where.source}${entry}${offset}: ${message}`, options)
    this.source = where.source
    this.entry = where.entry
    this.offset = where.offset
  }
}

/** Something is larger than the place it must go to. Sizes in bytes. */
export class DoesNotFitError extends DiskwrightError {
  readonly code = 'DOES_NOT_FIT'
  readonly needed: number
  readonly available: number

  constructor(what: string, { needed, available }: { needed: number; available: number }) {
    super(`${what} does not fit: ${needed} bytes needed, ${available} available`)
    this.needed = needed
    this.available = available
  }
}

/** The image would not boot. */
export class BootError extends DiskwrightError {
  readonly code = 'DOES_NOT_BOOT'
  /** Everything that keeps it from booting, each of severity `error`. */
  readonly findings: readonly Finding[]

  constructor(findings: readonly Finding[]) {
    super(findings.map(({ where, message }) => `${where}: ${message}`).join('\n'))
    this.findings = findings
  }
}

/** An image is damaged: which structure, at which byte offset, what it should hold and what it holds. */
export class CorruptError extends DiskwrightError {
  readonly code = 'CORRUPT'
  readonly what: string
  readonly offset: number
  readonly expected: string
  readonly found: string

  constructor(what: string, offset: number, { expected, found }: { expected: unknown; found: unknown }) {
    super(`${what} at offset ${offset}: expected ${String(expected)}, found ${String(found)}`)
    this.what = what
    this.offset = offset
    this.expected = String(expected)
    this.found = String(found)
  }
}

/** The image may be sound, but uses something that is not supported: a feature, a profile, a format. */
export class UnsupportedError extends DiskwrightError {
  readonly code = 'UNSUPPORTED'
}

/** An image lacks something that was asked for: a partition, a path, a subvolume. */
export class NotFoundError extends DiskwrightError {
  readonly code = 'NOT_FOUND'
}

/** The output cannot be written: it exists already, its folder is missing, the disk is full. */
export class OutputError extends DiskwrightError {
  readonly code = 'OUTPUT'
  /** Something is there already, which `force` would replace. */
  readonly exists: boolean

  constructor(message: string, { exists = false, ...options }: ErrorOptions & { exists?: boolean } = {}) {
    super(message, options)
    this.exists = exists
  }
}

/** Another program that is needed is not there, or has failed. */
export class ToolError extends DiskwrightError {
  readonly code = 'TOOL'
}
