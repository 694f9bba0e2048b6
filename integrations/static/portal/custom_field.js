/* The choices belong to the two types of choice; the others do not show them. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const type = document.getElementById("id_type");
  const row = document.querySelector(".field-possible_values");
  if (!type || !row) return;
  const show = () => { row.hidden = !["ValueSelect", "MultiValueSelect"].includes(type.value); };
  type.addEventListener("change", show);
  show();
});
