// Elements with data-refresh are reloaded once a second. Without this script, reload the page instead.
"use strict";

function openDetails(box) {
  return new Set([...box.querySelectorAll("details[open][id]")].map((item) => item.id));
}

function isBusy(box) {
  const active = document.activeElement;
  return document.hidden || (box.contains(active) && active.matches("input, select, textarea"));
}

async function refresh(box) {
  if (isBusy(box)) return;
  let text;
  try {
    const answer = await fetch(box.dataset.refresh, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    text = await answer.text();
  } catch {
    return; // The sandbox may be restarting: try again in a second.
  }
  if (text === box.shown || isBusy(box)) return;
  box.shown = text;
  const open = openDetails(box);
  box.innerHTML = text;
  for (const item of box.querySelectorAll("details[id]")) item.open = open.has(item.id);
  disableOnSubmit(box);
}

// A call to the portal can take seconds: disable the button so that it is pressed only once.
function disableOnSubmit(part) {
  for (const form of part.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", () => {
      for (const button of form.querySelectorAll("button")) {
        button.disabled = true;
        button.classList.add("waiting");
      }
    });
  }
}

disableOnSubmit(document);
for (const box of document.querySelectorAll("[data-refresh]")) setInterval(() => refresh(box), 1000);
