/** Of the height and width that are seen: what is no farther away is made ready. */
const kMargin = '25%';

/** Calls once an element is seen, or nearly. Returns what ends the wait. */
export function whenNear(element: Element, act: () => void): () => void {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      act();
    },
    { rootMargin: kMargin },
  );
  observer.observe(element);
  return () => observer.disconnect();
}
