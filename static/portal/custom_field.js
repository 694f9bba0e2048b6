/* The choices belong to the two types of choice; the others do not show them. Choices that are already
   written stay in sight, with whatever is said against them: nothing is sent that nobody sees. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const type = document.getElementById("id_type");
  const choices = document.getElementById("id_possible_values");
  const row = document.querySelector(".field-possible_values");
  if (!type || !choices || !row) return;
  const show = () => {
    const takesChoices = ["ValueSelect", "MultiValueSelect"].includes(type.value);
    row.hidden = !takesChoices && choices.value.trim() === "" && !row.querySelector(".errorlist");
  };
  type.addEventListener("change", show);
  choices.addEventListener("change", show);
  show();
});
