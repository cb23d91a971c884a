/** How a thread loads its handler. A program in one file has another way, as for starting a thread. */
import type { HandlerModule } from './worker-pool.ts'

/** @param module URL of a module of the library */
export async function importHandler(module: string): Promise<HandlerModule> {
  return (await import(module)) as HandlerModule
}
