// The dated version of this release: the day of its tag.
export const VERSION = "2026.06.24";
