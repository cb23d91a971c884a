/** Modules of Node for code that runs in browsers, too: found at run time, so that bundlers do not look for them. */

/** The part of Node's `process` that is used here; browsers have none. */
interface NodeProcess {
  /** Since Node 20.16. */
  getBuiltinModule?: (name: string) => object | undefined
  versions?: { node?: string }
}

const nodeProcess = () => Reflect.get(globalThis, 'process') as NodeProcess | undefined

/** Whether the modules of Node are there; they are in Deno and Bun, too. */
export function isNode(): boolean {
  return nodeProcess()?.versions?.node !== undefined
}

/**
 * A module of Node.
 *
 * @param name with its prefix, such as `node:zlib`
 * @returns undefined where there is none: in a browser
 */
export async function nodeModule<T extends object>(name: `node:${string}`): Promise<T | undefined> {
  if (!isNode()) return undefined
  const { getBuiltinModule } = nodeProcess()!
  if (getBuiltinModule !== undefined) return getBuiltinModule(name) as T | undefined
  return (await import(/* @vite-ignore */ name)) as T
}
