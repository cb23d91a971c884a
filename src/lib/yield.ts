const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void }

/** Yields to the event loop, so that an abort signal can fire. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    if (setImmediate !== undefined) setImmediate(resolve)
    else setTimeout(resolve)
  })
}
