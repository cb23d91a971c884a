/** Descriptions for content: a preset that suits it. */
import { InputError } from '../lib/errors.ts'
import { CommandError } from './exit.ts'
import type { ContentOptions, Description } from './description.ts'
import { interruptible } from './interrupt.ts'
import {
  checkPresetOptions,
  mapPaths,
  optionText,
  presetOptionsOf,
  presetsTaking,
  type DescriptionFlags,
} from './preset-options.ts'
import { showProgress, type ProgressMode } from './progress.ts'
import { PRESETS, type PresetName } from '../spec/presets.ts'
import {
  choosePreset,
  describeContent,
  fillPreset,
  isDecided,
  mismatchOf,
  type ChosenPreset,
} from '../spec/presets/choose.ts'
import type { ContentFacts } from '../spec/presets/content-facts.ts'
import type { SourceSpec } from '../spec/sources/types.ts'

export interface ContentInput extends ContentOptions {
  /** As given. */
  path: string
  flags: DescriptionFlags
  /** The content as a source; undefined when it can be read only once. */
  source?: SourceSpec
}

/**
 * A preset filled in with the content of a path: the named preset, or else the one that suits the content.
 *
 * @throws CommandError when the content does not suit the named preset
 */
export async function presetForContent(input: ContentInput): Promise<Description> {
  const { path, flags, source, usage, progress } = input
  const given = presetOptionsOf(flags)
  if (source === undefined) {
    const preset = flags.preset!
    checkPresetOptions(preset, given, usage)
    return descriptionOf(input, { closure: { tar: path } }, { preset, options: {} }, [])
  }
  const { source: content, facts } = await examine(source, progress)
  const chosen = chooseFor(input, facts)
  const { preset, options } = chosen
  checkPresetOptions(preset, { ...given, ...options }, usage)
  const filled = { closure: content, nixStore: facts.hasNixStore }
  return descriptionOf(input, filled, chosen, notesOf(path, content, facts, chosen))
}

type Chosen = Pick<ChosenPreset, 'preset' | 'options'> & Partial<ChosenPreset>

function chooseFor({ path, flags, usage }: ContentInput, facts: ContentFacts): Chosen {
  const given = presetOptionsOf(flags)
  if (flags.preset !== undefined) {
    refuseMismatch(path, flags.preset, facts)
    return { preset: flags.preset, ...fillPreset(flags.preset, facts, given) }
  }
  const chosen = choosePreset(facts, given)
  const takers = presetsTaking(given)
  if (takers.includes(chosen.preset)) return chosen
  const [only, other] = takers
  if (only === undefined) usage(`no preset takes all of these: ${optionText(given)}`)
  if (other !== undefined) {
    usage(
      `${path} suits the preset ${chosen.preset}, which does not take ${optionText(given)}; select one that does with --preset: ${takers.join(', ')}`,
    )
  }
  refuseMismatch(path, only, facts)
  return {
    preset: only,
    ...fillPreset(only, facts, given),
    reason: `it takes ${optionText(given)}`,
    notes: [],
  }
}

function descriptionOf(
  { flags, mapPath }: ContentInput,
  { closure, nixStore }: { closure: SourceSpec; nixStore?: boolean },
  { preset, options }: Chosen,
  notes: readonly string[],
): Description {
  const given = mapPaths(presetOptionsOf(flags), mapPath)
  return {
    name: undefined,
    spec: PRESETS[preset]({ ...given, ...options, nixStore, closure: mapSource(closure, mapPath) }),
    baseDirectory: process.cwd(),
    notes,
  }
}

/** Changes the paths of a source that was made from one path. */
function mapSource(source: SourceSpec, mapPath: (path: string) => string): SourceSpec {
  const map = (value: unknown): unknown =>
    typeof value === 'string'
      ? value === '-'
        ? value
        : mapPath(value)
      : Object.fromEntries(Object.entries(value as object).map(([key, inner]) => [key, map(inner)]))
  return map(source) as SourceSpec
}

function notesOf(path: string, source: SourceSpec, facts: ContentFacts, chosen: Chosen): string[] {
  const { preset, options, content = describeContent(facts), reason, notes = [] } = chosen
  const added = optionText(options)
  const kind = 'oci' in source ? 'a container image of ' : ''
  const choice = [`--preset ${preset}`, ...(added === '' ? [] : [added])].join(' ')
  const losesOwners = 'directory' in source && facts.isRoot
  return [
    `${path}: ${kind}${content}`,
    ...(reason !== undefined
      ? [`chose ${choice}: ${reason}`]
      : added === ''
        ? []
        : [`added ${added} to match the content`]),
    ...notes,
    ...(losesOwners
      ? [
          `all files will belong to root: a tar archive keeps owners, and so does "owner": "keep" in a description`,
        ]
      : []),
  ]
}

/** Examines content, and shows its progress. */
function examine(source: SourceSpec, mode: ProgressMode, suffices?: (facts: ContentFacts) => boolean) {
  return interruptible(async (signal) => {
    const { examineContent } = await import('../build/examine-content.ts')
    const progress = showProgress(process.stderr, { mode })
    return examineContent(source, { signal, suffices, onProgress: progress?.update }).finally(() =>
      progress?.clear(),
    )
  })
}

/**
 * Checks that `--closure` is not an obvious mistake. The archive is read only as far as needed; errors of reading are left to
 * the build.
 *
 * @returns whether it has a Nix store; undefined when that is not known
 */
export async function checkClosure(
  closure: string,
  preset: PresetName,
  progress: ProgressMode,
): Promise<boolean | undefined> {
  if (closure === '-') return undefined
  const { inputKind } = await import('../build/input-kind.ts')
  const found = await inputKind(closure).catch(() => undefined)
  if (found === undefined || found.kind === 'pipe') return undefined
  if (found.kind === 'description') {
    throw new CommandError([
      `${closure} is text, not an archive; if it is a description, run diskwright build ${closure} -o FILE`,
    ])
  }
  if (!('tar' in found.source)) {
    const [kind] = Object.keys(found.source)
    const what = kind === 'directory' ? 'a directory' : `content of the kind "${kind}"`
    throw new CommandError([
      `${closure} is ${what}, not a tar archive: leave --closure out, as in diskwright build ${closure} --preset ${preset} -o FILE`,
    ])
  }
  const examined = await examine(found.source, progress, (facts) => isDecided(preset, facts)).catch(
    ignoreFaults,
  )
  if (examined === undefined) return undefined
  if ('oci' in examined.source) {
    throw new CommandError([
      `${closure} is a container image, not a root file system: leave --closure out, as in diskwright build ${closure} --preset ${preset} -o FILE`,
    ])
  }
  refuseMismatch(closure, preset, examined.facts)
  return examined.facts.hasNixStore
}

/** The build reads the archive again and reports its faults. Other errors, such as a signal, end the command. */
function ignoreFaults(error: unknown): undefined {
  if (!(error instanceof InputError)) throw error
}

function refuseMismatch(path: string, preset: PresetName, facts: ContentFacts): void {
  const mismatch = mismatchOf(preset, facts)
  if (mismatch === undefined) return
  const { preset: better, options } = choosePreset(facts, {})
  const advice = ['--preset', better, optionText(options)].filter((part) => part !== '').join(' ')
  throw new CommandError([`${path}: ${mismatch}; use ${advice}, or edit what diskwright init writes`])
}
