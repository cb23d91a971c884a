import { describe, expect, test } from 'vitest'
import { LruCache } from '../../src/lib/lru-cache.ts'

describe('LruCache', () => {
  test('keeps the values used last', () => {
    const cache = new LruCache<string, number>(2)
    cache.set('a', 1)
    cache.set('b', 2)
    expect(cache.get('a')).toBe(1)
    cache.set('c', 3)
    expect(['a', 'b', 'c'].map((key) => cache.get(key))).toEqual([1, undefined, 3])
  })

  test('does not take `has` for a use', () => {
    const cache = new LruCache<string, number>(2)
    cache.set('a', 1)
    cache.set('b', 2)
    expect(cache.has('a')).toBe(true)
    cache.set('c', 3)
    expect(cache.has('a')).toBe(false)
  })

  test('weighs values, and keeps one that is too heavy alone', () => {
    const evicted: string[] = []
    const cache = new LruCache<string, Uint8Array>(10, {
      weigh: ({ length }) => length,
      onEvict: (key) => evicted.push(key),
    })
    cache.set('a', new Uint8Array(4))
    cache.set('b', new Uint8Array(6))
    expect(evicted).toEqual([])
    cache.set('c', new Uint8Array(11))
    expect(evicted).toEqual(['a', 'b'])
    expect(cache.get('c')?.length).toBe(11)
    cache.set('d', new Uint8Array(1))
    expect(evicted).toEqual(['a', 'b', 'c'])
  })

  test('counts a replaced or deleted value no more', () => {
    const cache = new LruCache<string, Uint8Array>(10, { weigh: ({ length }) => length })
    cache.set('a', new Uint8Array(9))
    cache.set('a', new Uint8Array(2))
    cache.set('b', new Uint8Array(8))
    expect(cache.has('a')).toBe(true)
    cache.delete('b')
    cache.set('c', new Uint8Array(8))
    expect(cache.has('a')).toBe(true)
    cache.clear()
    expect(cache.has('a')).toBe(false)
  })
})
