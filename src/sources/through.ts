import type { Transform } from 'node:stream'

/**
 * Feeds a transform stream chunk by chunk, each only when the one before it is used up, and gives its output. An
 * error of the chunks is thrown as it is. The stream may end before the chunks do.
 */
export async function* through(
  stream: Transform,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  // A stream that fails or ends does not answer the write at hand any more.
  let release = () => {}
  stream.once('close', () => release())
  stream.on('error', () => undefined) // it is thrown to the reading side
  const write = (chunk: Uint8Array) =>
    new Promise<void>((resolve) => {
      release = resolve
      stream.write(chunk, () => resolve())
    })
  const feed = async () => {
    for await (const chunk of chunks) {
      if (!stream.destroyed) await write(chunk)
      if (stream.destroyed) return
    }
    stream.end()
  }
  let failure: { error: unknown } | undefined
  const fed = feed().catch((error: unknown) => {
    failure = { error }
    stream.destroy(error as Error)
  })
  try {
    yield* stream as AsyncIterable<Uint8Array>
    stream.destroy()
    await fed
    // That the chunks failed after the stream had ended still counts.
    if (failure) throw failure.error
  } finally {
    stream.destroy()
    await fed
  }
}
