// Sends the record of the form to its detector, and shows the answer.
const form = document.querySelector("form");
const output = document.querySelector("output");
const words = output.dataset;

function line(text, kind) {
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  if (kind) paragraph.className = kind;
  return paragraph;
}

function number(value) {
  return new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 4 }).format(value);
}

async function send(event) {
  event.preventDefault();
  const address = `${form.elements.detector.value}/score?explain=3`;
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch(address, { method: "POST", headers, body: form.elements.record.value });
    const content = await answer.json();
    if (!answer.ok) {
      output.replaceChildren(line(content.detail, "odd"));
      return;
    }
    output.replaceChildren(
      ...content.results.flatMap((result) => [
        line(result.is_anomaly ? words.anomaly : words.normal, result.is_anomaly ? "odd" : "usual"),
        line(`${words.score} ${number(result.anomaly_score)} · ${words.threshold} ` +
             `${number(result.threshold ?? content.threshold)} · p ${number(result.p_value)}`),
        line(result.reason),
      ]),
    );
  } catch (error) {
    output.replaceChildren(line(`${words.failed} ${error.message}`, "odd"));
  }
}

form?.addEventListener("submit", send);
