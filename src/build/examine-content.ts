/** Looks at the entries of a source, without building anything of it. */
import { InputError } from '../lib/errors.ts'
import { systemMessageOf } from '../lib/system-message.ts'
import { firstBytes } from '../lib/first-bytes.ts'
import { openSource, sourceSize } from '../sources/open.ts'
import { FactCollector, MAX_FACT_FILE, type ContentFacts } from '../spec/presets/content-facts.ts'
import { resolveSource } from '../spec/sources/table.ts'
import type { SourceSpec } from '../spec/sources/types.ts'
import type { Closable } from './context.ts'
import type { Progress } from './progress.ts'

export interface ExamineOptions {
  onProgress?: ((progress: Progress) => void) | undefined
  signal?: AbortSignal | undefined
  /** Ends the reading early, when what is known suffices. */
  suffices?: ((facts: ContentFacts) => boolean) | undefined
}

export interface ExaminedContent {
  /** The source, as a container image if it is one. */
  source: SourceSpec
  facts: ContentFacts
}

/**
 * Reads the entries of a source, and of their content only what says which system it is.
 *
 * @param source paths are absolute, or relative to the working directory
 * @throws InputError when it cannot be read
 */
export async function examineContent(
  source: SourceSpec,
  options: ExamineOptions = {},
): Promise<ExaminedContent> {
  const facts = await factsOf(source, options)
  if (!facts.isContainerImage || !('tar' in source)) return { source, facts }
  const image: SourceSpec = { oci: source.tar }
  return { source: image, facts: await factsOf(image, options) }
}

async function factsOf(
  source: SourceSpec,
  { onProgress, signal, suffices }: ExamineOptions,
): Promise<ContentFacts> {
  const plan = resolveSource(source, {
    name: 'source',
    time: { sec: 0, nsec: 0 },
    resolvePath: (path) => path,
  })
  const total = await sourceSize(plan)
  const collector = new FactCollector()
  let entries = 0
  const opened: Closable[] = []
  const onRead = (done: number) =>
    onProgress?.({ phase: 'examine', step: `examining ${nameOf(source)}`, done, total, entries })
  try {
    // Content of files that stay open is passed over without being read.
    const retain = (file: Closable) => void opened.push(file)
    for await (const entry of await openSource(plan, { onRead, signal, retain })) {
      entries++
      collector.add(entry.path, entry.type)
      if (entry.type === 'file' && collector.wants(entry.path)) {
        collector.addContent(entry.path, await firstBytes(entry.content, Math.min(entry.size, MAX_FACT_FILE)))
      }
      if (suffices !== undefined && entries % 64 === 0 && suffices(collector.facts())) break
    }
    return collector.facts()
  } catch (error) {
    signal?.throwIfAborted()
    throw error instanceof InputError
      ? error
      : new InputError(systemMessageOf(error), { source: nameOf(source) }, { cause: error })
  } finally {
    await Promise.all(opened.map((file) => file.close()))
  }
}

function nameOf(source: SourceSpec): string {
  const [value] = Object.values(source) as unknown[]
  return typeof value === 'string' ? value : 'the content'
}
