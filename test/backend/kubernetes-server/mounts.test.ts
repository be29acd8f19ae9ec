import { expect, test } from "vitest";
import { expanded } from "../../helpers/kubernetes/container-environment.ts";
import { onHost } from "../../helpers/kubernetes/mounts.ts";
import { quantity } from "../../helpers/kubernetes/quantity.ts";

const mounts = [
  { path: "/tmp", host: "/tmp/host/tmp" },
  { path: "/data", host: "/tmp/host/data" },
  { path: "/data/deep", host: "/tmp/host/deep" },
];

test.each([
  ["/data", "/tmp/host/data"],
  ["/data/x.txt", "/tmp/host/data/x.txt"],
  ["/data/deep/x /tmp", "/tmp/host/deep/x /tmp/host/tmp"],
  ["--dir=/data,/tmp/a", "--dir=/tmp/host/data,/tmp/host/tmp/a"],
  ["cat '/data/x'>/tmp/y", "cat '/tmp/host/data/x'>/tmp/host/tmp/y"],
  ["file:///data/x", "file:///tmp/host/data/x"],
  ["/data2 /var/data ./data a/data /data-x /data.x", "/data2 /var/data ./data a/data /data-x /data.x"],
  ["http://host/data", "http://host/data"],
])("%s is %s on this machine", (text, here) => {
  expect(onHost(text, mounts)).toBe(here);
});

test("Variables are substituted if they are known", () => {
  expect(expanded("$(A)-$(B)-$$(A)-$A", { A: "1" })).toBe("1-$(B)-$(A)-$A");
});

test.each([
  ["64Mi", 67_108_864],
  ["500m", 0.5],
  ["1.5G", 1.5e9],
  ["1e3", 1000],
  [2, 2],
  ["x", undefined],
])("The quantity %s is %s", (text, value) => {
  expect(quantity(text)).toBe(value);
});
