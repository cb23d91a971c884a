import { expect, test } from 'vitest'
import { writeFat32, type WriteFat32Context } from '../../src/fat32/write/write-fat32.ts'
import { memorySink, type Sink } from '../../src/lib/sink.ts'

test.each<[string, unknown, unknown, Error]>([
  ['no sink', undefined, {}, new TypeError('sink: expected an object with write(), found undefined')],
  [
    'a misspelt key',
    memorySink(),
    { hiddenSector: 1 },
    new TypeError('unknown option hiddenSector: did you mean hiddenSectors?'),
  ],
  [
    'a wrong signal',
    memorySink(),
    { signal: 5 },
    new TypeError('option signal: expected an AbortSignal, found 5'),
  ],
  [
    'a wrong spool',
    memorySink(),
    { spool: {} },
    new TypeError('option spool: expected an object with add(), found an object'),
  ],
  [
    'sectors below zero',
    memorySink(),
    { hiddenSectors: -1 },
    new RangeError('option hiddenSectors: expected a whole number from 0 to 4294967295, found -1'),
  ],
])('%s is refused at once', async (_, sink, context, error) => {
  const written = writeFat32({ size: '64MiB' }, [], sink as Sink, context as WriteFat32Context)
  error.message = `writeFat32: ${error.message}`
  await expect(written).rejects.toThrow(error)
})
