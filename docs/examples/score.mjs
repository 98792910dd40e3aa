// Scores from JavaScript, with nothing but fetch (Node 18 or a browser): node score.mjs [ADDRESS]
const service = process.argv[2] ?? "http://127.0.0.1:8000";

async function ask(path, body) {
  const answer = await fetch(service + path, {
    method: body === undefined ? "GET" : "POST",
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const content = await answer.json();
  if (!answer.ok) {
    throw Object.assign(new Error(content.detail), { status: answer.status, errors: content.errors ?? [] });
  }
  return content;
}

const { example } = await ask("/detector"); // a record that the detector knows

const { results, threshold } = await ask("/score?explain=2", [example, example]);
for (const { anomaly_score, is_anomaly, contributions } of results) {
  const columns = contributions.map((item) => item.feature).join(", ");
  console.log(`${anomaly_score.toFixed(3)} ${is_anomaly ? "anomaly" : "usual"} (threshold ${threshold.toFixed(3)}), mostly by ${columns}`);
}

try {
  await ask("/score", {});
} catch (error) {
  console.log(`refused with ${error.status}: ${error.errors.length} fields, the first is '${error.errors[0].field}'`);
}
