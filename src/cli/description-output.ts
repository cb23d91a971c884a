/** Descriptions as text for editing. */
import type { ImageSpec } from '../spec/image-spec.ts'

/**
 * @param isYaml YAML, with the notes as comments; otherwise JSON
 */
export async function descriptionText(
  spec: ImageSpec,
  isYaml: boolean,
  notes: readonly string[],
): Promise<string> {
  if (!isYaml) return `${JSON.stringify(spec, null, 2)}\n`
  const { formatYaml } = await import('./yaml.ts')
  const { $schema, ...rest } = spec
  return formatYaml(rest, [`yaml-language-server: $schema=${$schema}`, ...notes])
}
