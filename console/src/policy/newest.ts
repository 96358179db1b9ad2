/** Questions that are asked while somebody types: only the answer to the last one counts. */

export class Newest {
  #last: AbortController | null = null;

  /** Takes the place of the question before, which is not waited for any longer. */
  ask(): AbortSignal {
    this.drop();
    this.#last = new AbortController();
    return this.#last.signal;
  }

  /** Nobody wants to know any more. */
  drop(): void {
    this.#last?.abort();
    this.#last = null;
  }
}

/** The answer, unless another question was asked meanwhile. Whoever answers late, or fails late, is not heard. */
export async function unlessLate<T>(signal: AbortSignal, answer: Promise<T>): Promise<T | null> {
  try {
    const answered = await answer;
    return signal.aborted ? null : answered;
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}
