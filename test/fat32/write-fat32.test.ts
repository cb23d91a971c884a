import { expect, test } from 'vitest'
import { writeFat32, type WriteFatContext } from '../../src/fat32/write/write-fat32.ts'
import { memorySink, type Sink } from '../../src/lib/sink.ts'

test.each<[string, unknown, unknown, Error]>([
  ['no sink', undefined, {}, new TypeError('sink: expected an object with write(), found undefined')],
  ['a misspelt key', memorySink(), { spol: 1 }, new TypeError('unknown option spol: did you mean spool?')],
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
])('%s is refused at once', async (_, sink, context, error) => {
  const written = writeFat32({ size: '64MiB' }, [], sink as Sink, context as WriteFatContext)
  error.message = `writeFat32: ${error.message}`
  await expect(written).rejects.toThrow(error)
})
