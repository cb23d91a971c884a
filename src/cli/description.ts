/** The description of a command: from a file, from standard input, or a built-in preset for content. */
import { createReadStream } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { SpecError, type SpecIssue } from '../lib/errors.ts'
import type { ImageSpec } from '../spec/image-spec.ts'
import { PRESETS } from '../spec/presets.ts'
import { PROGRAM_KINDS, standardInputKind } from '../spec/sources/kinds.ts'
import { checkClosure, presetForContent } from './content.ts'
import type { DescriptionText } from './description-text.ts'
import { CommandError, systemMessage } from './exit.ts'
import {
  checkPresetOptions,
  mapPaths,
  optionBesideDescription,
  presetOptionsOf,
  type DescriptionFlags,
  type UsageError,
} from './preset-options.ts'
import type { ProgressMode } from './progress.ts'

export const INPUT =
  'description (JSON or YAML), or content: a tar archive, a directory, a container image, a NAR, a stream of btrfs send; - is standard input'

export interface Description {
  /** For messages; undefined when it is a preset. */
  name: string | undefined
  /** As written, not checked yet. */
  spec: ImageSpec
  /** Directory that its relative paths are relative to. */
  baseDirectory: string
  /** Its text, with the places of its values; undefined for a preset. */
  text?: DescriptionText
  /** What was chosen for the content, in words. */
  notes: readonly string[]
}

export interface LoadOptions {
  usage: UsageError
  /** How progress is shown while content is examined. Default: `auto`. */
  progress?: ProgressMode | undefined
  /** Converts paths for the description; by default, they stay as they are. */
  mapPath?: ((path: string) => string) | undefined
}

/** The same, with nothing left out. */
export type ContentOptions = { [Key in keyof LoadOptions]-?: Exclude<LoadOptions[Key], undefined> }

/**
 * The description that a command works with.
 *
 * @param input path of a description or of content; undefined: a preset, filled in with `--closure` or as an example
 * @throws CommandError when the input cannot be read
 */
export async function loadDescription(
  input: string | undefined,
  flags: DescriptionFlags,
  { usage, progress = 'auto', mapPath = (path) => path }: LoadOptions,
): Promise<Description> {
  if (input === undefined) return presetDescription(flags, { usage, progress, mapPath })
  if (flags.closure !== undefined) usage(`'${input}' cannot be used with --closure`)
  const content = { path: input, flags, usage, progress, mapPath }
  const isKnownPreset = flags.preset !== undefined
  if (input === '-') {
    return isKnownPreset ? presetForContent(content) : readDescription(process.stdin, input, flags, usage)
  }
  const { inputKind } = await import('../build/input-kind.ts')
  const found = await inputKind(input)
  if (found.kind === 'content') return presetForContent({ ...content, source: found.source })
  if (found.kind === 'pipe' && isKnownPreset) return presetForContent(content)
  return readDescription(createReadStream(input), input, flags, usage)
}

/** A preset for `--closure`. Without `--closure`, it is an example to edit. */
async function presetDescription(
  flags: DescriptionFlags,
  { usage, progress, mapPath }: ContentOptions,
): Promise<Description> {
  const { preset = 'raspberry-pi', closure } = flags
  if (flags.preset === undefined && closure === undefined) {
    usage("missing argument 'input', or the option --closure or --preset")
  }
  checkPresetOptions(preset, flags, usage)
  const nixStore = closure === undefined ? undefined : await checkClosure(closure, preset, progress)
  const example = closure === undefined && preset === 'raspberry-pi' ? { firmware: 'firmware' } : {}
  const options = mapPaths({ ...example, ...presetOptionsOf(flags) }, mapPath)
  const path = closure === undefined ? 'closure.tar.zst' : closure === '-' ? '-' : mapPath(closure)
  return {
    name: undefined,
    spec: PRESETS[preset]({ ...options, nixStore, closure: path }),
    baseDirectory: process.cwd(),
    notes: [],
  }
}

async function readDescription(
  stream: Readable,
  input: string,
  flags: DescriptionFlags,
  usage: UsageError,
): Promise<Description> {
  const isStandard = input === '-'
  const name = isStandard ? 'standard input' : input
  const text = await readText(stream, name)
  const flag = optionBesideDescription(flags)
  if (flag !== undefined) {
    usage(
      ['--preset', '--closure'].includes(flag)
        ? `'${input}' cannot be used with ${flag}: it is a description`
        : `${flag} is for content; a description has a key for it`,
    )
  }
  const { parseDescription } = await import('./description-text.ts')
  const parsed = await parseDescription(text, name)
  const spec = parsed.value as ImageSpec
  const unknown = programSourcesIn(spec)
  if (unknown.length > 0) {
    throw new CommandError(unknown.map((path) => issueText(name, parsed, { path, message: 'unknown key' })))
  }
  return {
    name,
    spec,
    baseDirectory: isStandard ? process.cwd() : dirname(resolve(input)),
    text: parsed,
    notes: [],
  }
}

/** Reports a description from standard input whose archive would also come from standard input. */
export function checkStandardInput(input: string | undefined, description: Description, usage: UsageError) {
  if (input !== '-' || description.name === undefined) return
  for (const { source } of sourcesIn(description.spec)) {
    const kind = standardInputKind(source)
    if (kind === undefined) continue
    usage(
      `the description comes from standard input, so its source "${kind}": "-" cannot be read from there as well: put one of them in a file`,
    )
  }
}

/** The sources of a description that is not checked yet, with their JSON paths. */
function sourcesIn(spec: Partial<ImageSpec> | null): { source: Record<string, unknown>; path: string }[] {
  const partitions: unknown[] = Array.isArray(spec?.partitions) ? spec.partitions : []
  const holders = [
    { holder: spec as unknown, at: '' },
    ...partitions.map((holder, i) => ({ holder, at: `partitions[${i}].` })),
  ]
  return holders.flatMap(({ holder, at }) =>
    sourceList(holder).flatMap((source, j) =>
      typeof source === 'object' && source !== null
        ? [{ source: source as Record<string, unknown>, path: `${at}sources[${j}]` }]
        : [],
    ),
  )
}

function sourceList(holder: unknown): unknown[] {
  const sources = (holder as { sources?: unknown } | null)?.sources
  return Array.isArray(sources) ? sources : []
}

/** JSON paths of sources that only programs can provide; the JSON Schema does not include them. */
function programSourcesIn(spec: Partial<ImageSpec> | null): string[] {
  return sourcesIn(spec).flatMap(({ source, path }) =>
    PROGRAM_KINDS.filter((kind) => kind in source).map((kind) => `${path}.${kind}`),
  )
}

/** Reads a whole stream, which must be text: an archive is recognised by its first bytes. */
async function readText(stream: Readable, name: string): Promise<string> {
  const { isDescriptionText } = await import('../build/input-kind.ts')
  const pieces: Buffer[] = []
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) {
      if (pieces.length === 0 && !isDescriptionText(piece)) {
        throw new CommandError([
          `${name} is not a description, and content from a pipe can be read only once: name a preset, for example --preset plain`,
        ])
      }
      pieces.push(piece)
    }
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError([systemMessage({ path: name, ...(error as NodeJS.ErrnoException) })], {
      cause: error,
    })
  }
  return Buffer.concat(pieces)
    .toString('utf8')
    .replace(/^\ufeff/, '')
}

/** Runs `work`; problems of the description are reported with its name, and the line and column of each. */
export async function withDescription<T>({ name, text }: Description, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof SpecError) || name === undefined) throw error
    const lines = error.issues.map((issue) => issueText(name, text, issue))
    throw new CommandError(lines, { cause: error })
  }
}

/** `image.json:12:7: partitions[0].labl: unknown key; did you mean "label"?` */
function issueText(name: string, text: DescriptionText | undefined, { path, message }: SpecIssue): string {
  const place = text === undefined || path === '' ? name : `${name}:${text.placeOf(path)}`
  return [place, path, message].filter((part) => part !== '').join(': ')
}
