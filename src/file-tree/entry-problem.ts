/** A mistake in one entry. The reader of its source turns it into an InputError that says where the entry is. */
export class EntryProblem extends Error {}
