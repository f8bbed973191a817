/** Of one round of the event loop: its system calls cost more than most turns do. */
const TURNS_A_ROUND = 64;

/** Calls `turn` until it returns something, each time in a turn of its own: between two everything that is already under way in this process
 * settles, promises and whatever they lead to. */
export function realTurns<T>(turn: () => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    let over = false;
    const one = (): void => {
      if (over) return;
      try {
        const result = turn();
        if (result === undefined) return;
        over = true;
        resolve(result);
      } catch (error) {
        over = true;
        reject(error);
      }
    };
    const round = (): void => {
      if (over) return;
      for (let count = 0; count < TURNS_A_ROUND; count += 1) setImmediate(one);
      setImmediate(round);
    };
    setImmediate(round);
  });
}
