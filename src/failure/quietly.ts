/** Does what is no loss when it fails, such as the removal of a file that is gone, or is not this account's to remove. */
export function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // No loss.
  }
}
