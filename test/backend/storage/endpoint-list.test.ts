import { describe, expect, test } from "vitest";
import { EndpointListSchema, formatEndpoints, listedAs } from "../../../backend/storage/endpoint-list.ts";

const as = (list: string, url: string): string | undefined => {
  const { hostname, port, protocol } = new URL(url);
  return listedAs(EndpointListSchema.parse(list), hostname, Number(port || (protocol === "https:" ? 443 : 80)));
};

describe("a host", () => {
  test.each([
    ["store.example.com", "http://store.example.com"],
    ["store.example.com", "https://STORE.example.com.:9000"],
    ["Store.Example.Com.", "http://store.example.com"],
    ["store:9000", "http://store:9000"],
    ["store:443", "https://store"],
    ["store:80", "http://store"],
    ["other , store:9000", "http://store:9000"],
    ["10.0.0.1", "http://10.0.0.1:9000"],
    ["10.0.0.1", "http://0x0a000001"],
    ["167772161", "http://10.0.0.1"],
    ["[fd12::1]:9000", "http://[fd12:0:0::1]:9000"],
    ["bücher.example", "http://xn--bcher-kva.example"],
  ])("%s allows %s", (list, url) => {
    expect(as(list, url)).toBe("host");
  });

  test.each([
    ["store.example.com", "http://x.store.example.com"],
    ["store.example.com", "http://store.example.com.evil.example"],
    ["store.example.com", "http://storeXexample.com"],
    ["store:9000", "http://store:9001"],
    ["store:80", "https://store"],
    ["10.0.0.1", "http://10.0.0.10"],
    ["fd12.example", "http://[fd12::1]"],
  ])("%s does not allow %s", (list, url) => {
    expect(as(list, url)).toBeUndefined();
  });
});

describe("everything below a domain", () => {
  test("is allowed at any depth", () => {
    expect(as("*.example.com", "https://a.example.com")).toBe("domain");
    expect(as("*.example.com:9000", "https://a.b.example.com:9000")).toBe("domain");
    expect(as("*.example.com, a.example.com", "https://a.example.com")).toBe("host");
  });

  test.each([
    ["*.example.com", "http://example.com"],
    ["*.example.com", "http://badexample.com"],
    ["*.example.com", "http://example.com.evil.example"],
    ["*.example.com:9000", "http://a.example.com"],
  ])("%s does not allow %s", (list, url) => {
    expect(as(list, url)).toBeUndefined();
  });
});

test.each([
  "",
  ",",
  "a,",
  "*",
  "*.",
  "*:9000",
  "a*.example",
  "a.*.example",
  "**.example",
  "*.0.0.1",
  "*.[::1]",
  "http://a",
  "a/b",
  "a:b",
  "a:99999",
  "a:",
  "me@a",
  "a b",
  "::1",
  "[::1",
  "10.0.0.0/8",
  "a?",
  "a#",
  "a\\b",
])("%j is not a valid list, and the error names it", (text) => {
  const { error } = EndpointListSchema.safeParse(text);
  expect(error?.issues[0]?.message).toContain(`'${text.split(",").at(-1)}'`);
});

test("is written as it was read", () => {
  const text = "*.example.com:9000, [fd12::1], store";
  expect(formatEndpoints(EndpointListSchema.parse(text))).toBe(text);
});
