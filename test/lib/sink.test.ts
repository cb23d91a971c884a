import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { forwardingSink, subSink, wrapSink, type ImageSink } from '../../src/lib/image-sink.ts'
import { imageSink, memorySink } from '../../src/lib/sink.ts'
import { carryOut, operations, same } from '../output/operations.ts'

describe('memorySink', () => {
  test('grows, and has zeros between what was written', () => {
    const sink = memorySink()
    sink.write(3 << 20, Uint8Array.of(1, 2))
    sink.write(5, Uint8Array.of(7))
    expect(sink.size).toBe((3 << 20) + 2)
    expect(sink.bytes().subarray(4, 7)).toEqual(Uint8Array.of(0, 7, 0))
    expect(sink.bytes().subarray(-3)).toEqual(Uint8Array.of(0, 1, 2))
    expect(sink.read((3 << 20) + 1, 10)).toEqual(Uint8Array.of(2))
  })
})

describe('imageSink', () => {
  test('gives the image that the calls describe', async () => {
    await fc.assert(
      fc.asyncProperty(operations, fc.boolean(), async (list, isAsync) => {
        const memory = memorySink()
        const image = imageSink(
          isAsync
            ? {
                write: async (position, bytes) => {
                  await Promise.resolve()
                  memory.write(position, bytes)
                },
                read: (position, length) => Promise.resolve(memory.read(position, length)),
              }
            : memory,
        )
        const expected = await carryOut(image, list)
        await image.finish(expected.length + 100)
        same(memory.bytes().subarray(0, expected.length), expected, 'image')
        expect(memory.size).toBe(expected.length + 100)
      }),
      { numRuns: 20 },
    )
  })

  test('refuses calls out of order, and patches of what was not reserved', async () => {
    const image = imageSink(memorySink())
    await image.reserve(0, 10)
    await image.write(10, new Uint8Array(10))
    expect(() => image.write(15, new Uint8Array(1))).toThrow('expected an offset of at least 20, found 15')
    expect(() => image.patch(0, new Uint8Array(5))).toThrow('expected 10 reserved bytes, found 5')
    expect(() => image.patch(1, new Uint8Array(5))).toThrow('expected no reserved bytes, found 5')
    await expect(image.finish(19)).rejects.toThrow('expected an offset of at least 20, found 19')
  })

  test('cannot be read back when the sink cannot', async () => {
    const image = imageSink({ write: () => undefined })
    await expect(image.read(0, 1)).rejects.toThrow('no `read`')
  })
})

describe('wrappers of sinks', () => {
  /** Notes its calls: name and offset. */
  function notingSink(): { sink: ImageSink; calls: string[] } {
    const calls: string[] = []
    const note = (call: string) => void calls.push(call)
    const sink: ImageSink = {
      write: (offset, bytes, incompressible) => note(`write ${offset} ${bytes.length} ${incompressible}`),
      writeTwice: (offset, bytes, distance) =>
        Promise.resolve(note(`writeTwice ${offset} ${bytes.length} ${distance}`)),
      reserve: (offset, length) => note(`reserve ${offset} ${length}`),
      patch: (offset, bytes) => note(`patch ${offset} ${bytes.length}`),
      read: (offset, length) => {
        note(`read ${offset} ${length}`)
        return Promise.resolve(new Uint8Array(length))
      },
    }
    return { sink, calls }
  }
  const callAll = async (sink: ImageSink) => {
    await sink.write(1, new Uint8Array(2), true)
    await sink.writeTwice(3, new Uint8Array(4), 5)
    await sink.reserve(20, 7)
    await sink.patch(20, new Uint8Array(7))
    await sink.read(8, 9)
  }

  test('subSink adds its start to every offset', async () => {
    const { sink, calls } = notingSink()
    await callAll(subSink(sink, 100))
    expect(calls).toEqual([
      'write 101 2 true',
      'writeTwice 103 4 5',
      'reserve 120 7',
      'patch 120 7',
      'read 108 9',
    ])
  })

  test('forwardingSink gives every call to the sink it is told', async () => {
    const low = notingSink()
    const high = notingSink()
    const sink = forwardingSink((offset, call) =>
      offset < 8 ? call(low.sink, offset) : call(high.sink, offset - 8),
    )
    await callAll(sink)
    expect(low.calls).toEqual(['write 1 2 true', 'writeTwice 3 4 5'])
    expect(high.calls).toEqual(['reserve 12 7', 'patch 12 7', 'read 0 9'])
  })

  test('wrapSink replaces some methods', async () => {
    const { sink, calls } = notingSink()
    const wrapped = wrapSink(sink, { patch: (offset) => void calls.push(`replaced ${offset}`) })
    await callAll(wrapped)
    expect(calls).toEqual(['write 1 2 true', 'writeTwice 3 4 5', 'reserve 20 7', 'replaced 20', 'read 8 9'])
  })
})
