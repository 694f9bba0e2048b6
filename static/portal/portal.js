/* Copy buttons, parts of a page that refresh by themselves, and filters. Every page works without it. */
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
    // The browser forbids writing to the clipboard (plain http): select the text, to be copied by hand.
    getSelection().selectAllChildren(source);
  }
});

/* data-refresh is a URL whose response has newer versions of elements of this page, matched by their ids.
   data-after is the delay in milliseconds; 0 means never. */
function scheduleRefresh() {
  const live = document.querySelector("[data-refresh]");
  const wait = live ? Number(live.dataset.after) : 0;
  if (wait) setTimeout(() => refresh(live.dataset.refresh), wait);
}

async function refresh(url) {
  if (!document.hidden) {
    try {
      const response = await fetch(url, {
        credentials: "same-origin",
        redirect: "error",
        headers: { "X-Background-Refresh": "yes" },
      });
      if (response.ok) replace(new DOMParser().parseFromString(await response.text(), "text/html"));
    } catch {
      // The portal cannot be reached; the next refresh tries again.
    }
  }
  scheduleRefresh();
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

scheduleRefresh();

/* Checkboxes in an element with data-filter show and hide items of a list by their data-source. */
document.addEventListener("change", (event) => {
  const filter = event.target.closest("[data-filter]");
  if (!filter) return;
  const chosen = [...filter.querySelectorAll("input:checked")].map((box) => box.value);
  for (const item of document.querySelectorAll(`${filter.dataset.filter} > [data-source]`)) {
    item.hidden = !chosen.includes(item.dataset.source);
  }
});
