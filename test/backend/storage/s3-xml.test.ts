import { XMLParser } from "fast-xml-parser";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bucketBody,
  completionBody,
  deletionBody,
  parseCompletion,
  parseError,
  parseListPage,
  parseRefusals,
  parseUploadId,
} from "../../../backend/storage/s3-xml.ts";
import { MalformedAnswerError } from "../../../backend/storage/xml.ts";

const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
const object = (key: string, size = "3", etag = "&quot;e&quot;"): string =>
  `<Contents><Key>${key}</Key><LastModified>x</LastModified><ETag>${etag}</ETag><Size>${size}</Size></Contents>\n`;
const list = (inside: string): string =>
  `${head}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n<Name>b</Name>${inside}</ListBucketResult>\n`;
const whole = "<IsTruncated>false</IsTruncated>";

test("XML that is too long or refers to something else is rejected at once", () => {
  const entities = Array.from({ length: 20 }, (_, index) => `<!ENTITY e${index + 1} "${`&e${index};`.repeat(10)}">`);
  const bomb = `<!DOCTYPE x [<!ENTITY e0 "${"x".repeat(9000)}">${entities.join("")}]>`;
  for (const [declared, name] of [
    [bomb, "e9"],
    ['<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>', "e"],
  ] as const) {
    const error = parseError(`${declared}<Error><Code>c</Code><Message>&${name};</Message></Error>`);
    expect(error?.message ?? "").toMatch(/^(&e9;)?$/);
  }
  for (const inside of ["<Contents/>", object("k"), "<a>"].map((each) => each.repeat(40_000))) {
    expect(() => parseListPage(list(inside + whole))).toThrow(
      expect.objectContaining({ name: "MalformedAnswerError", message: expect.stringMatching(/^.{1,1000}$/s) }),
    );
  }
});

describe("a list", () => {
  test.each([
    ["no object", "", []],
    ["one object", object("k"), ["k"]],
    ["two objects", object("k") + object("l"), ["k", "l"]],
    ["keys like numbers and booleans", object("007") + object("1e3") + object("true"), ["007", "1e3", "true"]],
    ["spaces at the ends", object(" k "), [" k "]],
    ["entities", object("a&amp;lt;&lt;&#13;&#x1F600;&apos;"), ["a&lt;<\r\u{1F600}'"]],
    ["keys that are not encoded", object("a%20b+c"), ["a%20b+c"]],
    ["keys that are", `${object("a%20b+c%2Bd%C3%BC")}<EncodingType>url</EncodingType>`, ["a b c+dü"]],
  ])("of %s", (_name, inside, keys) => {
    const page = parseListPage(list(inside + whole));
    expect(page.objects.map(({ key }) => key)).toEqual(keys);
    expect(page.next).toBeUndefined();
  });

  test("has sizes, etags in quotes, and the next page", () => {
    const inside = `${object("k", "5000000000000")}${object("l", "0", "bare")}`;
    const next = "<IsTruncated>true</IsTruncated><NextContinuationToken>1/=&amp;</NextContinuationToken>";
    expect(parseListPage(list(inside + next))).toEqual({
      objects: [
        { key: "k", size: 5_000_000_000_000, etag: '"e"' },
        { key: "l", size: 0, etag: '"bare"' },
      ],
      next: "1/=&",
    });
  });

  test("of a whole page, repeatedly", () => {
    const inside = Array.from({ length: 1000 }, (_, index) => object(`k${index}`)).join("");
    for (let times = 0; times < 20; times++) expect(parseListPage(list(inside + whole)).objects).toHaveLength(1000);
  });

  test.each([
    ["nothing", ""],
    ["no XML", "hello"],
    ["HTML", "<html><body>hello</body></html>"],
    ["a document cut off", list(object("k") + whole).slice(0, -30)],
    ["a size that is none", list(object("k", "1.5") + whole)],
    ["no word on further pages", list(object("k"))],
    ["a next page without a token", list(`${object("k")}<IsTruncated>true</IsTruncated>`)],
    ["keys encoded wrongly", list(`${object("%")}<EncodingType>url</EncodingType>${whole}`)],
  ])("is not %s", (_name, answer) => {
    expect(() => parseListPage(answer)).toThrow(MalformedAnswerError);
  });
});

test("an error, with its details", () => {
  const answer = `${head}<Error><Code>C</Code><Message>it&apos;s</Message><Region>r</Region><Endpoint>e</Endpoint></Error>`;
  expect(parseError(answer)).toEqual({ code: "C", message: "it's", region: "r", endpoint: "e" });
  expect(parseError("<Error><Code>C</Code></Error>")).toEqual({ code: "C", message: "" });
  for (const other of ["", "<html/>", "<Error/>", "<Error><Code></Code></Error>", list(object("&lt;Error") + whole)]) {
    expect(parseError(other)).toBeUndefined();
  }
});

test("what could not be removed", () => {
  const refusal = "<Error><Key>k</Key><Code>AccessDenied</Code><Message>m</Message></Error>";
  const expected = { key: "k", code: "AccessDenied", message: "m" };
  expect(parseRefusals("<DeleteResult/>")).toEqual([]);
  expect(parseRefusals("<DeleteResult><Deleted><Key>k</Key></Deleted></DeleteResult>")).toEqual([]);
  expect(parseRefusals(`<DeleteResult>${refusal}</DeleteResult>`)).toEqual([expected]);
  expect(parseRefusals(`<DeleteResult>${refusal}${refusal}</DeleteResult>`)).toEqual([expected, expected]);
});

test("uploads and completions", () => {
  const upload = "<InitiateMultipartUploadResult><UploadId>0012</UploadId></InitiateMultipartUploadResult>";
  expect(parseUploadId(upload)).toBe("0012");
  expect(() => parseUploadId("<InitiateMultipartUploadResult/>")).toThrow(MalformedAnswerError);
  expect(() => parseCompletion("<CompleteMultipartUploadResult/>")).not.toThrow();
  expect(() => parseCompletion("<Other/>")).toThrow(MalformedAnswerError);
  const parts = [
    { etag: '"a"', crc32: undefined },
    { etag: "b", crc32: "AAAAAA==" },
  ];
  expect(completionBody(parts)).toBe(
    "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&#34;a&#34;</ETag></Part>" +
      "<Part><PartNumber>2</PartNumber><ETag>b</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part></CompleteMultipartUpload>",
  );
  expect(bucketBody("eu")).toContain("<LocationConstraint>eu</LocationConstraint>");
});

test("keys to remove survive being written and parsed", () => {
  const parser = new XMLParser({
    parseTagValue: false,
    trimValues: false,
    htmlEntities: true,
    isArray: (name) => name === "Object",
  });
  const key = fc.string({
    unit: fc.constantFrom("a", "&", "<", ">", '"', "'", "\r", "\n", "\t", " ", ";", "#", "é"),
    minLength: 1,
  });
  fc.assert(
    fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), (keys) => {
      const objects = keys.map((each) => ({ Key: each }));
      expect(parser.parse(deletionBody(keys))).toEqual({ Delete: { Quiet: "true", Object: objects } });
    }),
    { seed: 3 },
  );
});
