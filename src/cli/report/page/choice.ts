import { h } from './dom.ts'

let choices = 0

/** One of a few things, as buttons beside each other. */
export function choice<Value extends string>(
  title: string,
  texts: Readonly<Record<Value, string>>,
  chosen: Value,
  onChange: (value: Value) => void,
): HTMLElement {
  const name = `choice-${++choices}`
  const labels = (Object.entries(texts) as [Value, string][]).map(([value, text]) => {
    const input = h('input', { type: 'radio', name, value })
    input.checked = value === chosen
    input.addEventListener('change', () => onChange(value))
    return h('label', {}, input, h('span', {}, text))
  })
  return h('fieldset', { class: 'choice' }, h('legend', {}, title), ...labels)
}
