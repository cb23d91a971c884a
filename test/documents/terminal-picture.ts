/** A picture of a terminal, as SVG. */

/** Colours of a terminal that is dark on light pages, too. */
const COLOURS = { back: '#161b22', edge: '#30363d', text: '#e6edf3', prompt: '#7ee787', dots: '#484f58' }
const [LINE, CHARACTER, MARGIN, BAR] = [20, 8.05, 18, 34]

/** @param lines what is in the terminal; a command begins with `$ ` */
export function terminalPicture(title: string, lines: readonly string[]): string {
  const width = Math.ceil(Math.max(...lines.map(({ length }) => length)) * CHARACTER + 2 * MARGIN)
  const height = BAR + lines.length * LINE + MARGIN
  const rows = lines.map((line, i) => {
    const y = BAR + (i + 0.75) * LINE
    const prompt = line.startsWith('$ ') ? `<tspan fill="${COLOURS.prompt}">$</tspan>` : ''
    return `<text x="${MARGIN}" y="${y}" xml:space="preserve">${prompt}${escaped(prompt === '' ? line : line.slice(1))}</text>`
  })
  const dots = [0, 1, 2].map(
    (i) => `<circle cx="${MARGIN + 6 + i * 18}" cy="17" r="5" fill="${COLOURS.dots}"/>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8" fill="${COLOURS.back}" stroke="${COLOURS.edge}"/>`,
    ...dots,
    `<g fill="${COLOURS.text}" font-size="13.4" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace">`,
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
