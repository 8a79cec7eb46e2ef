// A selection of neighbouring bins, by pointer or by keyboard. It knows how many there are and where the pointer is; what
// they mean is the chart's matter.
//
// Keys: arrows move, with Shift they extend, Home and End jump, Enter takes the selection, Escape drops it.

export class Brush {
  // `binAt(clientX)` finds a bin; `shown(selection)` draws `{first, last, cursor}` or nothing; `taken(first, last)` is told
  // what was chosen; `left()` that Escape was pressed with nothing selected.
  constructor(element, { bins, binAt, shown, taken, left }) {
    Object.assign(this, { bins, binAt, shown, taken, left, anchor: null, head: null, dragging: null });
    element.addEventListener("pointerdown", (event) => this.press(event, element));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.release(event));
    element.addEventListener("pointercancel", () => this.drop());
    element.addEventListener("keydown", (event) => this.key(event));
  }

  press(event, element) {
    if (event.button !== 0 || this.bins() === 0) return;
    element.setPointerCapture(event.pointerId);
    this.dragging = event.pointerId;
    this.anchor = this.head = this.binAt(event.clientX);
    this.show();
  }

  move(event) {
    if (event.pointerId !== this.dragging) return;
    this.head = this.binAt(event.clientX);
    this.show();
  }

  release(event) {
    if (event.pointerId !== this.dragging) return;
    this.dragging = null;
    this.take();
  }

  key(event) {
    const bins = this.bins();
    if (bins === 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const at = this.head ?? bins;
    const steps = { ArrowLeft: at - 1, ArrowRight: this.head === null ? 0 : at + 1, Home: 0, End: bins - 1 };
    if (Object.hasOwn(steps, event.key)) {
      this.head = Math.max(0, Math.min(bins - 1, steps[event.key]));
      if (!event.shiftKey || this.anchor === null) this.anchor = this.head;
      this.show();
    } else if (event.key === "Enter" && this.head !== null) this.take();
    else if (event.key === "Escape" && this.head !== null) this.drop();
    else if (event.key === "Escape") this.left();
    else return;
    event.preventDefault();
  }

  take() {
    const [first, last] = [Math.min(this.anchor, this.head), Math.max(this.anchor, this.head)];
    this.drop();
    this.taken(first, last);
  }

  drop() {
    this.anchor = this.head = this.dragging = null;
    this.show();
  }

  show() {
    if (this.head === null) this.shown(null);
    else this.shown({ first: Math.min(this.anchor, this.head), last: Math.max(this.anchor, this.head), cursor: this.head });
  }
}
