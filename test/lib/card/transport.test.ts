/** The contract of transports, for the one that is built in. */

import { describe } from "vitest";
import { createVirtualTransport } from "../../../lib/virtual-card/transport.ts";
import { describeTransportContract } from "./transport-contract.ts";

const READERS = ["Virtual 00", "Virtual 01"] as const;

describe("the built-in virtual reader", () => {
  describeTransportContract(async ({ delayMs }) => {
    const transport = createVirtualTransport({ slots: READERS.map((reader) => ({ reader })), delayMs });
    return {
      readers: READERS,
      transport,
      insert: async (reader, card) => transport.insert(reader, card),
      remove: async (reader) => transport.remove(reader),
      close: async () => {},
    };
  });
});
