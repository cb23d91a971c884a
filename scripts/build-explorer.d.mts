/** Writes the page. @returns its folder */
export function buildExplorer(folder?: string): string
