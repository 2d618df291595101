/**
 * Keeps keys typed into the page's own controls from the scene: the library listens on the
 * document for all of them.
 */
export function keepKeysFromScene(root: HTMLElement): void {
  for (const type of ["keydown", "keyup", "keypress"]) {
    root.addEventListener(type, (event) => event.stopPropagation());
  }
}

/**
 * Gives the keyboard back to the scene after a click with mouse or finger on a control (a click
 * by keyboard has `detail` 0 and leaves the focus where it is), unless the click put the focus
 * into the panel.
 */
export function giveFocusBack(root: HTMLElement, stage: HTMLElement): void {
  root.addEventListener("click", (event) => {
    const target = event.target as Element;
    const isWriting = root.querySelector(".panel:not([hidden]) :focus") !== null;
    if (event.detail > 0 && !isWriting && !target.closest(".panel, .text-entry")) {
      stage.focus({ preventScroll: true });
    }
  });
}

/**
 * Gives the keyboard to the scene when it is clicked or touched: the library prevents the
 * browser's own way, so a chat field would keep it.
 */
export function focusWhenPressed(stage: HTMLElement): void {
  stage.addEventListener("pointerdown", () => stage.focus({ preventScroll: true }));
}

/**
 * Marks the stage while it has the focus by Tab. Browsers show a focus ring on whatever has the
 * focus once a key is pressed, and in a scene one presses keys all the time.
 */
export function showFocusByTab(stage: HTMLElement): void {
  stage.addEventListener("keyup", ({ key }) =>
    stage.toggleAttribute("data-by-tab", key === "Tab"),
  );
  for (const type of ["blur", "pointerdown"]) {
    stage.addEventListener(type, () => stage.removeAttribute("data-by-tab"));
  }
}
