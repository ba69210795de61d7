// Signs the requests of signing.json as a client in JavaScript would: node tests/vectors/check_signing.mjs
import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

// encodeURIComponent() leaves five characters that RFC 3986 reserves.
const encode = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => "%" + character.charCodeAt(0).toString(16).toUpperCase());

const compare = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)); // "<" would compare UTF-16

function canonicalPath({ stage, path }) {
  const withoutStage = stage ? path.slice(stage.length + 1) : path;
  return withoutStage.split("/").map((segment) => encode(decodeURIComponent(segment))).join("/");
}

function canonicalQuery({ query }) {
  const pairs = [...new URLSearchParams(query)].sort((a, b) => compare(a[0], b[0])); // keeps the order of equal names
  return pairs.length ? "?" + pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&") : "";
}

function canonicalText(vector) {
  const key = encode(vector.idempotencyKey ?? "").replaceAll(".", "%2E");
  const hash = createHash("sha256").update(vector.body, "utf8").digest("hex");
  return [vector.timestamp, vector.method, canonicalPath(vector) + canonicalQuery(vector), key, hash].join(".");
}

const { vectors } = JSON.parse(readFileSync(new URL("signing.json", import.meta.url), "utf8"));
const wrong = vectors.filter((vector) => {
  const canonical = canonicalText(vector);
  const signature = "sha256=" + createHmac("sha256", vector.secret).update(canonical).digest("hex");
  return canonical !== vector.canonical || signature !== vector.signature;
});

console.log(`${vectors.length - wrong.length} of ${vectors.length} signatures agree`);
for (const { name } of wrong) console.log(`differs: ${name}`);
process.exitCode = wrong.length ? 1 : 0;
