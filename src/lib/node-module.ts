/** Modules of Node for code that runs in browsers, too: found at run time, so that bundlers do not look for them. */

/** The part of Node's `process` that is used here; browsers have none. */
interface NodeProcess {
  /** Since Node 20.16. */
  getBuiltinModule?: (name: string) => object | undefined
  versions?: { node?: string }
}

/**
 * A module of Node.
 *
 * @param name with its prefix, such as `node:zlib`
 * @returns undefined where there is none: in a browser
 */
export async function nodeModule<T extends object>(name: `node:${string}`): Promise<T | undefined> {
  const node = (globalThis as { process?: NodeProcess }).process
  if (node?.getBuiltinModule !== undefined) return node.getBuiltinModule(name) as T | undefined
  if (node?.versions?.node === undefined) return undefined
  return (await import(/* @vite-ignore */ name)) as T
}
