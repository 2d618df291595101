/** Seconds before each further attempt; the last one repeats for as long as it takes. */
const STEPS = [1, 2, 4, 8, 15, 30];

/** Share by which a wait varies, so that a thousand pages do not come back in the same instant. */
const JITTER = 0.25;

/**
 * Milliseconds to wait before attempt number `attempt` (0 is the first).
 * `random` gives 0 to 1; `leastSeconds` is what the server asked for.
 */
export function retryDelay(attempt: number, random: () => number, leastSeconds = 0): number {
  const step = STEPS[Math.min(attempt, STEPS.length - 1)] ?? 30;
  const seconds = Math.max(step, leastSeconds);
  return Math.round(1000 * seconds * (1 + JITTER * random()));
}
