import { describe, expect, test } from 'vitest'
import { isSync, memorySource, type ByteSource } from '../../src/lib/byte-source.ts'
import { observeSource } from '../../src/lib/observe-source.ts'

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i)
const late: ByteSource = {
  size: 100,
  read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
}

describe('observeSource', () => {
  test.each([
    ['at once', memorySource(bytes)],
    ['later', late],
  ])('counts the bytes of a source that answers %s', async (_, source) => {
    let read = 0
    const observed = observeSource(source, { onRead: (bytes) => (read += bytes) })
    expect(observed.size).toBe(100)
    expect(await observed.read(90, 20)).toEqual(bytes.subarray(90))
    if (isSync(observed)) observed.readSync(5, 5)
    expect(read).toBe(isSync(source) ? 15 : 10)
  })

  test('answers at once if the source does', () => {
    const observed = observeSource(memorySource(bytes), {})
    expect(isSync(observed)).toBe(true)
    expect(observed.read(0, 1)).toEqual(Uint8Array.of(0))
    expect(isSync(observeSource(late, {}))).toBe(false)
  })

  test('throws the reason of the signal, and reads no more', () => {
    let reads = 0
    const controller = new AbortController()
    const source = memorySource(bytes)
    const counting = {
      ...source,
      read: (offset: number, length: number) => (reads++, source.read(offset, length)),
    }
    const observed = observeSource(counting, { signal: controller.signal })
    void observed.read(0, 1)
    controller.abort(new Error('enough'))
    expect(() => observed.read(0, 1)).toThrow('enough')
    if (isSync(observed)) expect(() => observed.readSync(0, 1)).toThrow('enough')
    expect(reads).toBe(1)
  })
})
