/* Shows the field "choices" for the two types that have choices. It also stays visible while it has
   content or errors, so that nothing is submitted that the person cannot see. */
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
