// The slider of thresholds: the same sums as the table's, done where the hand is.
"use strict";

(() => {
  const curve = document.getElementById("curve");
  if (!curve) return;
  const points = JSON.parse(curve.textContent);
  const field = (id) => document.getElementById(id);
  const count = (number) => Math.round(number).toLocaleString("en");
  const percent = (share) => `${Math.round(share * 100)} %`;
  const range = field("threshold");

  function show() {
    const share = Number(field("prevalence").value) / 100;
    const posts = Number(field("posts").value);
    if (!(share > 0 && share <= 1 && posts > 0)) return;
    const point = points[range.value];
    const caught = posts * share * point.recall;
    const missed = posts * share - caught;
    const reviews = caught + posts * (1 - share) * point.false_flags;
    const said = {
      reviews: (point.most ? "≤ " : "") + count(reviews),
      precision: reviews ? (point.most ? "≥ " : "") + percent(caught / reviews) : "–",
      missed: count(missed),
      recall: percent(point.recall),
    };
    for (const [name, words] of Object.entries(said)) document.querySelector(`[data-cost="${name}"]`).textContent = words;
    const threshold = Number(point.threshold.toPrecision(3));
    field("threshold-said").textContent = threshold;
    range.setAttribute("aria-valuetext", `${threshold}: ${said.reviews} reviews a day, ${said.missed} adverts missed`);
    field("cost-said").textContent =
      `From ${threshold} on, ${said.reviews} of ${count(posts)} posts a day go to review, ${said.precision} of them adverts; ` +
      `${said.missed} of ${count(posts * share)} adverts are missed.`;
  }

  const start = Number(range.dataset.start);
  range.value = points.reduce((best, each, at) => (Math.abs(each.threshold - start) < Math.abs(points[best].threshold - start) ? at : best), 0);
  for (const id of ["threshold", "prevalence", "posts"]) field(id).addEventListener("input", show);
  field("cost-form").addEventListener("submit", (event) => event.preventDefault());
  field("cost-form").querySelector("button").hidden = true;
  field("slider").hidden = false;
  show();
})();
