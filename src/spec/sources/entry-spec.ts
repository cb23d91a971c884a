/** Single entries as a description or a manifest has them: their metadata, and what they are. */
import * as z from 'zod/mini'
import type { Entry } from '../../file-tree/entry.ts'
import { expected } from '../messages.ts'
import { parseTime } from '../notation/times.ts'
import { integer, linkTarget, mode, ownerId, text, time, xattrName } from '../schema/values.ts'

/** Metadata of a single entry. */
export interface EntryKeysSpec {
  /** Permissions in octal digits, like `0644`. */
  mode?: string
  /** Owner. */
  uid?: number
  /** Group. */
  gid?: number
  /** Time of the last change of the content: seconds since 1970, or ISO 8601 text. */
  mtime?: number | string
  /** Extended attributes: text, or bytes in base64. */
  xattrs?: Record<string, string | Base64Spec>
}

/** Bytes in a description. */
export interface Base64Spec {
  /** The bytes in base64. */
  base64: string
}

const base64 = z
  .strictObject({
    base64: z
      .string()
      .check(
        z.regex(
          /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
          expected('text in base64'),
        ),
        z.describe('The bytes in base64.'),
      ),
  })
  .check(z.describe('Bytes.'))

/**
 * Text that UTF-8 can spell, or bytes.
 *
 * @internal the schema library is no part of the declarations
 */
export const bytesValue = z.union([text('text', /^/), base64], expected('text, or {"base64": "..."}'))

/** @internal */
export const entryKeys = {
  mode: z.optional(mode).check(z.describe('Permissions in octal digits.')),
  uid: z.optional(ownerId).check(z.describe('Owner.')),
  gid: z.optional(ownerId).check(z.describe('Group.')),
  mtime: z.optional(time).check(z.describe('Time of the last change of the content.')),
  xattrs: z
    .optional(z.record(xattrName, bytesValue))
    .check(z.describe('Extended attributes: text, or bytes as {"base64": "..."}.')),
}

/** @internal */
export const deviceKeys = {
  major: integer('a number from 0 to 4095', 0, 4095).check(z.describe("Number of the device's driver.")),
  minor: integer('a number from 0 to 1048575', 0, 1_048_575).check(z.describe('Number of the device.')),
}

/** @internal */
export const targetKey = { target: linkTarget.check(z.describe('Target of the link.')) }

export function bytesOfSpec(value: string | Base64Spec): Uint8Array {
  if (typeof value === 'string') return new TextEncoder().encode(value)
  return Uint8Array.from(atob(value.base64), (character) => character.charCodeAt(0))
}

/** The metadata of an `Entry`. */
export function entryMetadataOf({ mode, uid, gid, mtime, xattrs }: EntryKeysSpec): Partial<Entry> {
  return {
    ...(mode !== undefined && { mode: parseInt(mode, 8) }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(mtime !== undefined && { mtime: parseTime(mtime)! }),
    ...(xattrs && {
      xattrs: Object.fromEntries(Object.entries(xattrs).map(([name, value]) => [name, bytesOfSpec(value)])),
    }),
  }
}
