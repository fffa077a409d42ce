/** A session that is closed while it waits for another program to let go of the card. */

import { expect, test } from "vitest";
import { CardSession } from "../../../lib/card/session.ts";
import type { ConnectOptions } from "../../../lib/card/transport.ts";
import { deferred } from "../../helpers/deferred.ts";
import { SCRIPTED_SLOT, ScriptedTransport, type Step } from "../../helpers/scripted-card.ts";

test("close takes a job away that still waits for the card", async () => {
  const waiting = deferred<void>();
  const busy = ({ signal }: ConnectOptions): Promise<readonly Step[]> =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      waiting.resolve();
    });
  const transport = new ScriptedTransport(busy);
  const session = new CardSession({ transport, slot: SCRIPTED_SLOT });
  const job = session.run("log in", async () => "never");
  const refused = expect(job).rejects.toMatchObject({ code: "CARD_ABSENT" });
  await waiting.promise;
  await session.close();
  await refused;
  transport.expectAllEnded();
});
