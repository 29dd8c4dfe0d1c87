/** Parts of the page that appear one after the other: each is first rendered in a frame of its own, so that none of these is long. */

import { noChange } from 'lit';
import { AsyncDirective, directive } from 'lit/async-directive.js';

/** What waits for its frame. */
const waiting = new Set<InTurn>();
let frame = 0;

function next(): void {
  frame = 0;
  const [first] = waiting;
  first?.begin();
  if (waiting.size > 0) frame = requestAnimationFrame(next);
}

class InTurn extends AsyncDirective {
  private begun = false;
  private make: () => unknown = () => noChange;

  override render(make: () => unknown): unknown {
    this.make = make;
    if (this.begun) return make();
    this.wait();
    return noChange;
  }

  begin(): void {
    waiting.delete(this);
    this.begun = true;
    this.setValue(this.make());
  }

  protected override disconnected(): void {
    waiting.delete(this);
  }

  protected override reconnected(): void {
    if (!this.begun) this.wait();
  }

  private wait(): void {
    waiting.add(this);
    if (frame === 0) frame = requestAnimationFrame(next);
  }
}

/** Renders what `make` returns: a frame or some later the first time, at once from then on. */
export const inTurn = directive(InTurn);
