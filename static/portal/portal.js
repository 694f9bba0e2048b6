/* Copy buttons, and parts of a page that change by themselves. Without it every page works; it is only
   less comfortable. */
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = label; }, 2000);
  } catch {
    // Without leave to write the clipboard (plain http), the text is selected for the person's own copy.
    getSelection().selectAllChildren(source);
  }
});

/* An element with data-refresh names an address whose answer holds newer versions of elements of this
   page, found by their ids; data-after is the wait in milliseconds, 0 for never. */
function later() {
  const live = document.querySelector("[data-refresh]");
  const wait = live ? Number(live.dataset.after) : 0;
  if (wait) setTimeout(() => refresh(live.dataset.refresh), wait);
}

async function refresh(address) {
  if (!document.hidden) {
    try {
      const answer = await fetch(address, {
        credentials: "same-origin",
        redirect: "error",
        headers: { "X-Background-Refresh": "yes" },
      });
      if (answer.ok) replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The portal is away for a moment; the next round asks again.
    }
  }
  later();
}

function replace(fresh) {
  for (const part of fresh.querySelectorAll("body > [id]")) {
    const present = document.getElementById(part.id);
    if (!present || withoutTokens(present) === withoutTokens(part)) continue;
    const focused = present.contains(document.activeElement);
    present.replaceWith(part);
    if (focused) part.querySelector("button, a, input")?.focus();
  }
}

function withoutTokens(element) {
  return element.outerHTML.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");
}

later();

/* Checkboxes in a data-filter choose what of a list is shown, by its data-source. */
document.addEventListener("change", (event) => {
  const filter = event.target.closest("[data-filter]");
  if (!filter) return;
  const chosen = [...filter.querySelectorAll("input:checked")].map((box) => box.value);
  for (const item of document.querySelectorAll(`${filter.dataset.filter} > [data-source]`)) {
    item.hidden = !chosen.includes(item.dataset.source);
  }
});
