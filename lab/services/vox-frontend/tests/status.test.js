import assert from "node:assert/strict";
import { test } from "node:test";

import { describe } from "../src/status.js";
import { VERSION } from "../src/version.js";

test("a well backend is ok, with its release", () => {
  const found = describe({ status: "ok", version: "2026.01.01", checks: { redis: "ok" } });
  assert.deepEqual(found, {
    state: "ok",
    sentence: "The backend is well (release 2026.01.01).",
    checks: [["redis", "ok"]],
  });
});

test("a degraded backend names what it misses", () => {
  const found = describe({ status: "degraded", checks: { mongodb: "ok", redis: "unreachable", s3: "refused" } });
  assert.equal(found.state, "degraded");
  assert.equal(found.sentence, "The backend misses: redis, s3.");
});

for (const body of [null, undefined, "ok", 7, {}, { status: 1 }]) {
  test(`no health page is unknown and never ok: ${JSON.stringify(body)}`, () => {
    assert.equal(describe(body).state, "unknown");
  });
}

test("the version is a day", () => {
  assert.match(VERSION, /^\d{4}\.\d{2}\.\d{2}$/);
});
