/** Asking again and again while somebody looks. */

import { useEffect, useState } from "preact/hooks";
import { Unanswered } from "./api.js";

/** Whether the page is in sight. */
function useSight(): boolean {
  const [isSeen, setSeen] = useState(!document.hidden);
  useEffect(() => {
    const look = () => setSeen(!document.hidden);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return isSeen;
}

/**
 * Calls `once` every so many milliseconds while the page is in sight, never twice at a time, and returns why the
 * last call failed. A page that nobody looks at asks for nothing, so that the console can end.
 */
export function usePolling(once: () => Promise<void>, milliseconds: number): Unanswered | null {
  const isSeen = useSight();
  const [fault, setFault] = useState<Unanswered | null>(null);
  useEffect(() => {
    if (!isSeen) return;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async () => {
      try {
        await once();
        if (!isOver) setFault(null);
      } catch (error) {
        if (!isOver) setFault(Unanswered.of(error));
      }
      if (!isOver) timer = setTimeout(turn, milliseconds);
    };
    void turn();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [isSeen, once, milliseconds]);
  return fault;
}
