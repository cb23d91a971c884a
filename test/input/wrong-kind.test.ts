/** What is no image at all: a mistake of the calling program. */
import { describe, expect, test } from 'vitest'
import { openMemory } from '../../src/input/memory-input.ts'
import { openInput } from '../../src/input/open-input.ts'

describe.each<[string, unknown]>([
  ['undefined', undefined],
  ['null', null],
  ['5', 5],
  ['URL', new URL('file:///disk.img')],
  ['ArrayBuffer', new ArrayBuffer(8)],
  ['DataView', new DataView(new ArrayBuffer(8))],
  ['an object without them', { size: 8 }],
  ['an object without them', { fd: 3 }],
  ['a function', () => 0],
])('%s', (found, image) => {
  const expected = `a Uint8Array, a Blob, or an object with size and read(), found ${found}`

  test('is refused in Node', async () => {
    await expect(openInput(image as Uint8Array)).rejects.toThrow(
      new TypeError(`image: expected a path, a FileHandle, ${expected}`),
    )
  })

  test('is refused in browsers', () => {
    expect(() => openMemory(image as Uint8Array)).toThrow(new TypeError(`image: expected ${expected}`))
  })
})
