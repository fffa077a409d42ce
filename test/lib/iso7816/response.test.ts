import fc from "fast-check";
import { expect, test } from "vitest";
import { MalformedError } from "../../../lib/errors.ts";
import { decodeResponse, encodeResponse } from "../../../lib/iso7816/response.ts";

test("decode gives back what was encoded", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 0xffff }), (data, sw) => {
      const decoded = decodeResponse(encodeResponse({ data, sw }));
      expect(decoded.sw).toBe(sw);
      expect(decoded.data).toEqual(data);
    }),
  );
});

test.each([[[]], [[0x90]]])("%j is MALFORMED", (bytes) => {
  expect(() => decodeResponse(Uint8Array.from(bytes))).toThrow(MalformedError);
});

test("a status word over 16 bits is refused", () => {
  expect(() => encodeResponse({ data: new Uint8Array(0), sw: 0x10000 })).toThrow(RangeError);
});
