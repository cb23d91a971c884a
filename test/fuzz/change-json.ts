/** Changes the values of JSON texts, with the words of a format. */
import type { Random } from './random.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** What changed texts are made of. */
export interface JsonWords {
  keys: readonly string[]
  values: readonly Json[]
}

/** Changes of a JSON text; undefined: the bytes are to be changed instead, as now and then, or where it is none. */
export function jsonMutator(
  words: JsonWords,
): (input: Uint8Array, random: Random, other: Uint8Array) => Uint8Array | undefined {
  return (input, random, other) => {
    if (random.oneIn(6)) return undefined
    try {
      let value = JSON.parse(Buffer.from(input).toString()) as Json
      const donor = JSON.parse(Buffer.from(other).toString()) as Json
      for (let count = 1 + random.below(4); count > 0; count--) value = changed(value, random, donor, words)
      return new TextEncoder().encode(JSON.stringify(value))
    } catch {
      return undefined
    }
  }
}

function changed(value: Json, random: Random, donor: Json, words: JsonWords): Json {
  if (random.oneIn(8) || typeof value !== 'object' || value === null)
    return newValue(value, random, donor, words)
  if (Array.isArray(value)) {
    const items = [...value]
    const at = random.below(items.length + 1)
    if (random.oneIn(8)) items.splice(at, 1)
    else if (random.oneIn(6) && items.length > 0) items.push(structuredClone(random.pick(items)))
    else items[at] = changed(items[at] ?? null, random, donor, words)
    return items
  }
  const entries = Object.entries(value)
  const at = random.below(entries.length + 1)
  if (random.oneIn(10)) entries.splice(at, 1)
  else if (at === entries.length || random.oneIn(8)) {
    const key = random.oneIn(20) ? '__proto__' : random.pick(words.keys)
    entries.push([key, newValue(null, random, donor, words)])
  } else entries[at] = [entries[at][0], changed(entries[at][1], random, donor, words)]
  return Object.fromEntries(entries)
}

function newValue(value: Json, random: Random, donor: Json, { keys, values }: JsonWords): Json {
  switch (random.below(5)) {
    case 0:
      return partOf(donor, random)
    case 1:
      if (typeof value === 'number') return value + random.pick([1, -1, 512, 1e9, 0.25])
      if (typeof value === 'string') return `${value}${JSON.stringify(random.pick(values))}`
      return [value]
    case 2:
      return { [random.pick(keys)]: random.pick(values) }
    default:
      return random.pick(values)
  }
}

function partOf(value: Json, random: Random): Json {
  if (typeof value !== 'object' || value === null || random.oneIn(4)) return value
  const parts = Object.values(value)
  return parts.length === 0 ? value : partOf(random.pick(parts), random)
}
