/** A card that answers anything at all: a value or a named error, an end, and never a PIN sent twice. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, fromHex, utf8 } from "../../../lib/bytes.ts";
import { MAX_RESPONSE_ROUNDS } from "../../../lib/card/exchange.ts";
import type { JpkiApplication } from "../../../lib/card/jpki.ts";
import { MAX_READS } from "../../../lib/card/read-file.ts";
import { CardSession } from "../../../lib/card/session.ts";
import type { CardConnection, CardTransport } from "../../../lib/card/transport.ts";
import { JpkiError } from "../../../lib/errors.ts";
import { decodeCommand } from "../../../lib/iso7816/command.ts";
import { Pin } from "../../../lib/pin/pin.ts";
import { SCRIPTED_SLOT, ScriptedTransport } from "../../helpers/scripted-card.ts";

const JOBS: readonly ((jpki: JpkiApplication) => Promise<unknown>)[] = [
  (jpki) => jpki.pin("auth").triesLeft(),
  (jpki) => jpki.pin("auth").verify(new Pin(utf8("1234"))),
  (jpki) => jpki.readCertificate("auth"),
  (jpki) => jpki.sign("auth", fromHex("3000")),
];

const statusWord = fc.oneof(
  { weight: 4, arbitrary: fc.constant("9000") },
  {
    weight: 4,
    arbitrary: fc.constantFrom("6a86", "6a82", "6700", "6982", "6986", "6d00", "6f00", "63c3", "63c0", "6984"),
  },
  { weight: 2, arbitrary: fc.constantFrom("6100", "6103", "6c00", "6c05", "6282", "6b00") },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((sw) => sw.toString(16).padStart(4, "0")) },
);
const data = fc.oneof(
  fc.constant(new Uint8Array(0)),
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom("30820500", "3082ffff", "30818000", "3003020100ff").map(fromHex),
);
const answer = fc.oneof(
  { weight: 20, arbitrary: fc.tuple(data, statusWord).map(([bytes, sw]) => concatBytes(bytes, fromHex(sw))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 2 }) },
);

/** Most commands a job may take: SELECT twice, and each read fetched in the most rounds, asked for thrice. */
const MAX_COMMANDS = 3 * MAX_READS * (MAX_RESPONSE_ROUNDS + 2);

class RandomConnection implements CardConnection {
  readonly slot = SCRIPTED_SLOT;
  readonly protocol: CardConnection["protocol"];
  commands = 0;
  pinsSent = 0;
  ends = 0;
  readonly #answers: readonly Uint8Array[];

  constructor(answers: readonly Uint8Array[], protocol: CardConnection["protocol"]) {
    this.#answers = answers;
    this.protocol = protocol;
  }

  async transmit(bytes: Uint8Array): Promise<Uint8Array> {
    const { command } = decodeCommand(bytes);
    if (command.ins === 0x20 && command.data !== undefined) this.pinsSent += 1;
    const next = this.#answers[this.commands++ % this.#answers.length];
    // The application is selected, so that what comes after is reached.
    if (command.ins === 0xa4 && command.p1 === 0x04) return fromHex("9000");
    return next ?? fromHex("6f00");
  }

  async end(): Promise<void> {
    this.ends += 1;
  }
}

test("any answers, any job", async () => {
  const protocol = fc.constantFrom("T=0" as const, "T=1" as const);
  const jobs = fc.array(fc.nat({ max: JOBS.length - 1 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(answer, { minLength: 1, maxLength: 12 }),
      protocol,
      jobs,
      async (answers, proto, chosen) => {
        const connection = new RandomConnection(answers, proto);
        const transport: CardTransport = Object.assign(new ScriptedTransport(), { connect: async () => connection });
        const session = new CardSession({ transport, slot: SCRIPTED_SLOT });
        let verifies = 0;
        const outcome = session.run("test", async (jpki) => {
          for (const index of chosen) {
            if (index === 1) verifies += 1;
            await JOBS[index]?.(jpki);
          }
        });
        await outcome.catch((error) => expect(error).toBeInstanceOf(JpkiError));
        expect(connection.pinsSent).toBeLessThanOrEqual(verifies);
        expect(connection.commands).toBeLessThanOrEqual(chosen.length * MAX_COMMANDS);
        expect(connection.ends).toBe(1);
      },
    ),
    { numRuns: 500 },
  );
});
