/**
 * Fixed-size binary structures, declared once as a table of named fields and used by writers, readers and
 * checkers alike. Everything on disk here is little-endian.
 */

/** Encodes and decodes one value of a fixed size. */
export interface Codec<T> {
  /** Size in bytes. */
  readonly size: number
  write(view: DataView, at: number, value: T): void
  read(view: DataView, at: number): T
  /** The value as a field of a struct, `offset` bytes from its start. Without it the field uses `read` and `write`. */
  field?(offset: number): Field<T>
}

/**
 * One field of a struct, read and written where the struct lies in a view. No object is made, and `set` checks no
 * range: it is the DataView call with the offset filled in.
 */
export interface Field<T> {
  /** Bytes from the start of the struct. */
  readonly offset: number
  /** Size in bytes. */
  readonly size: number
  /** @param base where the struct begins in `view` */
  readonly get: (view: DataView, base: number) => T
  readonly set: (view: DataView, base: number, value: T) => void
}

export type ValueOf<C> = C extends Codec<infer T> ? T : never

// A table of fields of any types: `any` is what lets each codec keep its own.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Fields = Record<string, Codec<any>>
type StructValue<F> = { -readonly [K in keyof F]: F[K] extends Codec<infer T> ? T : never }

type FieldsOf<F> = {
  readonly [K in keyof F]: F[K] extends Struct<infer G>
    ? StructField<G>
    : F[K] extends Codec<infer T>
      ? Field<T>
      : never
}

/** A struct within a struct: as a whole, or field by field with `at`, from the start of the outer one. */
export interface StructField<F> extends Field<StructValue<F>> {
  readonly at: FieldsOf<F>
}

/** A codec of named fields, laid out one after the other without padding. */
export interface Struct<F> extends Codec<StructValue<F>> {
  readonly name: string
  /**
   * Its fields one by one, for hot paths.
   *
   * @example
   * const size = InodeItem.at.size.get(view, base)
   */
  readonly at: FieldsOf<F>
  field(offset: number): StructField<F>
  /** Byte offset of a field from the start of the struct. */
  offsetOf(field: keyof F): number
  encode(value: StructValue<F>): Uint8Array
  /** @throws RangeError when fewer than `size` bytes are left at `at`. */
  decode(bytes: Uint8Array, at?: number): StructValue<F>
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** @param field its accessors: closures of their own for each width, so that the engine can inline the DataView call */
function unsigned(bits: 8 | 16 | 32, field: (offset: number) => Field<number>): Codec<number> {
  const limit = 2 ** bits
  const { get, set } = field(0)
  return {
    size: bits / 8,
    write(view, at, value) {
      if (!Number.isInteger(value) || value < 0 || value >= limit) {
        throw new RangeError(`expected an unsigned ${bits}-bit integer, found ${value}`)
      }
      set(view, at, value)
    },
    read: get,
    field,
  }
}

export const u8 = unsigned(8, (offset) => ({
  offset,
  size: 1,
  get: (view, base) => view.getUint8(base + offset),
  set: (view, base, value) => view.setUint8(base + offset, value),
}))
export const u16 = unsigned(16, (offset) => ({
  offset,
  size: 2,
  get: (view, base) => view.getUint16(base + offset, true),
  set: (view, base, value) => view.setUint16(base + offset, value, true),
}))
export const u32 = unsigned(32, (offset) => ({
  offset,
  size: 4,
  get: (view, base) => view.getUint32(base + offset, true),
  set: (view, base, value) => view.setUint32(base + offset, value, true),
}))

function getU64(view: DataView, at: number): number {
  const value = view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000
  if (value > Number.MAX_SAFE_INTEGER) {
    throw new RangeError(`expected a value below 2^53, found ${view.getBigUint64(at, true)}`)
  }
  return value
}

/** A size, address or count: 64 bits on disk, a number below 2^53 here. */
export const u64: Codec<number> = {
  size: 8,
  write(view, at, value) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`expected an integer below 2^53, found ${value}`)
    }
    setU64(view, at, value)
  },
  read: getU64,
  field: (offset) => ({
    offset,
    size: 8,
    get: (view, base) => getU64(view, base + offset),
    set: (view, base, value) => setU64(view, base + offset, value),
  }),
}

/** A signed number of seconds: 64 bits on disk, a safe integer here. */
export const i64: Codec<number> = {
  size: 8,
  write(view, at, value) {
    if (!Number.isSafeInteger(value)) throw new RangeError(`expected a safe integer, found ${value}`)
    view.setBigInt64(at, BigInt(value), true)
  },
  read(view, at) {
    const value = view.getUint32(at, true) + view.getInt32(at + 4, true) * 0x1_0000_0000
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(`expected a safe integer, found ${view.getBigInt64(at, true)}`)
    }
    return value
  },
  field: (offset) => ({
    offset,
    size: 8,
    get: (view, base) => i64.read(view, base + offset),
    set: (view, base, value) => setU64(view, base + offset, value),
  }),
}

/** An identity, a set of flags or a hash: 64 bits, compared and masked but never added up. */
export const id64: Codec<bigint> = {
  size: 8,
  write: (view, at, value) => view.setBigUint64(at, value, true),
  read: (view, at) => view.getBigUint64(at, true),
  field: (offset) => ({
    offset,
    size: 8,
    get: (view, base) => view.getBigUint64(base + offset, true),
    set: (view, base, value) => view.setBigUint64(base + offset, value, true),
  }),
}

/**
 * Writes a safe integer (a negative one in two's complement), or any 64-bit pattern given as a bigint, without checks.
 */
export function setU64(view: DataView, at: number, value: number | bigint): void {
  if (typeof value === 'bigint') {
    view.setBigUint64(at, value, true)
  } else {
    view.setUint32(at, value >>> 0, true)
    view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true)
  }
}

/** `length` bytes as they are; a shorter value is padded with zeros, a longer one refused. */
export function bytes(length: number): Codec<Uint8Array> {
  return {
    size: length,
    write(view, at, value) {
      if (value.length > length)
        throw new RangeError(`expected at most ${length} bytes, found ${value.length}`)
      const field = new Uint8Array(view.buffer, view.byteOffset + at, length)
      field.fill(0)
      field.set(value)
    },
    read(view, at) {
      return new Uint8Array(view.buffer, view.byteOffset + at, length).slice()
    },
  }
}

/** `count` values of one codec, one after the other. */
export function array<T>(codec: Codec<T>, count: number): Codec<T[]> {
  return {
    size: codec.size * count,
    write(view, at, values) {
      if (values.length !== count) throw new RangeError(`expected ${count} values, found ${values.length}`)
      values.forEach((value, i) => codec.write(view, at + i * codec.size, value))
    },
    read: (view, at) => Array.from({ length: count }, (_, i) => codec.read(view, at + i * codec.size)),
  }
}

/** A field that no hot path reads by itself. */
function fieldOf<T>(codec: Codec<T>): (offset: number) => Field<T> {
  return (offset) => ({
    offset,
    size: codec.size,
    get: (view, base) => codec.read(view, base + offset),
    set: (view, base, value) => codec.write(view, base + offset, value),
  })
}

/**
 * Declares a structure. Its size is asserted here, against the size the format's specification gives.
 * An error in a field names the struct and the field.
 */
export function struct<F extends Fields>(name: string, size: number, fields: F): Struct<F> {
  const offsets = new Map<keyof F, number>()
  let end = 0
  for (const [field, codec] of Object.entries(fields)) {
    offsets.set(field, end)
    end += codec.size
  }
  if (end !== size) throw new Error(`struct ${name}: its fields take ${end} bytes, declared are ${size}`)
  const table = [...offsets].map(([field, offset]) => ({
    field,
    offset,
    codec: fields[field],
  }))

  const located = (field: keyof F, error: unknown) =>
    new RangeError(`${name}.${String(field)}: ${(error as Error).message}`)

  const fieldsFrom = (base: number) =>
    Object.fromEntries(
      table.map(({ field, offset, codec }) => [field, (codec.field ?? fieldOf(codec))(base + offset)]),
    ) as FieldsOf<F>

  const self: Struct<F> = {
    name,
    size,
    at: fieldsFrom(0),
    field: (offset) => ({ ...fieldOf(self)(offset), at: fieldsFrom(offset) }),
    offsetOf: (field) => offsets.get(field)!,
    write(view, at, value) {
      for (const { field, offset, codec } of table) {
        try {
          codec.write(view, at + offset, value[field])
        } catch (error) {
          throw located(field, error)
        }
      }
    },
    read(view, at) {
      const value = {} as StructValue<F>
      for (const { field, offset, codec } of table) {
        try {
          value[field] = codec.read(view, at + offset) as never
        } catch (error) {
          throw located(field, error)
        }
      }
      return value
    },
    encode(value) {
      const out = new Uint8Array(size)
      self.write(viewOf(out), 0, value)
      return out
    },
    decode(source, at = 0) {
      if (source.length < at + size) {
        throw new RangeError(
          `${name}: expected ${size} bytes at ${at}, found ${Math.max(0, source.length - at)}`,
        )
      }
      return self.read(viewOf(source), at)
    },
  }
  return self
}
