import { describe, expect, test } from 'vitest'
import { array, bytes, i64, id64, struct, u16, u32, u64, u8, viewOf } from '../../src/lib/struct.ts'

const Inner = struct('Inner', 9, { id: id64, type: u8 })
const Outer = struct('Outer', 41, {
  flags: u16,
  inner: Inner,
  count: u32,
  size: u64,
  time: i64,
  uuid: bytes(4),
  pair: array(u8, 6),
})
const value = {
  flags: 0xfffe,
  inner: { id: 0xffff_ffff_ffff_fff7n, type: 132 },
  count: 0xdead_beef,
  size: 2 ** 52 + 1,
  time: -5,
  uuid: Uint8Array.of(1, 2, 3, 4),
  pair: [5, 6, 7, 8, 9, 10],
}

describe('fields of a struct', () => {
  test('give what decoding the whole struct gives', () => {
    const encoded = new Uint8Array(100)
    encoded.set(Outer.encode(value), 13)
    const view = viewOf(encoded)
    for (const name of Object.keys(value) as (keyof typeof value)[]) {
      expect(Outer.at[name].get(view, 13), name).toEqual(value[name])
    }
    expect(Outer.at.inner.at.id.get(view, 13)).toBe(value.inner.id)
    expect(Outer.at.inner.at.type.get(view, 13)).toBe(132)
  })

  test('write what encoding the whole struct writes', () => {
    const written = new Uint8Array(50)
    const view = viewOf(written)
    Outer.at.flags.set(view, 7, value.flags)
    Outer.at.inner.at.id.set(view, 7, value.inner.id)
    Outer.at.inner.at.type.set(view, 7, value.inner.type)
    Outer.at.count.set(view, 7, value.count)
    Outer.at.size.set(view, 7, value.size)
    Outer.at.time.set(view, 7, value.time)
    Outer.at.uuid.set(view, 7, value.uuid)
    Outer.at.pair.set(view, 7, value.pair)
    expect(written.slice(7, 48)).toEqual(Outer.encode(value))
    expect(written.slice(0, 7).some((byte) => byte !== 0)).toBe(false)
    expect(written.slice(48).some((byte) => byte !== 0)).toBe(false)
  })

  test('know where they lie', () => {
    expect(Outer.at.count.offset).toBe(Outer.offsetOf('count'))
    expect(Outer.at.inner.at.type.offset).toBe(10)
    expect(Outer.at.inner.size).toBe(9)
  })

  test('refuse a size of 2^53 and more', () => {
    const view = new DataView(new ArrayBuffer(Outer.size))
    view.setBigUint64(Outer.at.size.offset, 2n ** 53n, true)
    expect(() => Outer.at.size.get(view, 0)).toThrow('expected a value below 2^53, found 9007199254740992')
  })
})
