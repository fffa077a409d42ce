import { describe, expect, test } from "vitest";
import { createCardFeatures } from "../../../lib/card/features.ts";
import type { JpkiApplication } from "../../../lib/card/jpki.ts";
import { CardSession } from "../../../lib/card/session.ts";
import type { ConnectOptions } from "../../../lib/card/transport.ts";
import { PcscError, PinError } from "../../../lib/errors.ts";
import { SCRIPTED_SLOT, ScriptedTransport, type Step } from "../../helpers/scripted-card.ts";
import {
  LOGIN,
  login,
  pausedStep,
  QUERY,
  query,
  reset,
  SELECT,
  SIGN,
  sessionOn,
  sign,
} from "../../helpers/scripted-session.ts";

const code = (wanted: string) => expect.objectContaining({ code: wanted });

describe("one job", () => {
  test("finds the application selected and leaves the card without power", async () => {
    const { session, transport } = sessionOn([LOGIN]);
    const opened: boolean[] = [];
    const length = await session.run("log in", async (jpki) => {
      opened.push(session.open);
      return login(jpki);
    });
    expect(length).toBe(256);
    expect([...opened, session.open]).toEqual([true, false]);
    transport.expectAllEnded();
  });

  test("the power is cut before its promise settles", async () => {
    for (const steps of [
      [SELECT, QUERY],
      [SELECT, [QUERY[0], reset()] as const],
    ]) {
      const { session, transport } = sessionOn([steps]);
      let endsWhenSettled: number | undefined;
      const note = () => {
        endsWhenSettled = transport.connections[0]?.ends;
      };
      await session.run("ask", query).then(note, note);
      expect(endsWhenSettled).toBe(1);
    }
  });

  test("a job that throws, at once or later, ends the session", async () => {
    const { session, transport } = sessionOn([[SELECT], [SELECT, QUERY]]);
    const error = new Error("no");
    const atOnce = (): Promise<never> => {
      throw error;
    };
    const later = async (jpki: JpkiApplication): Promise<never> => {
      await query(jpki);
      throw error;
    };
    await expect(session.run("fail", atOnce, { hold: true })).rejects.toBe(error);
    await expect(session.run("fail", later, { hold: true })).rejects.toBe(error);
    expect(session.open).toBe(false);
    transport.expectAllEnded();
  });

  test("a card that is not JPKI", async () => {
    const { session, transport } = sessionOn([[[SELECT[0], "6a82"]]]);
    await expect(session.run("ask", query)).rejects.toEqual(code("NOT_JPKI"));
    transport.expectAllEnded();
  });

  test("what is learnt about the card stays", async () => {
    const features = createCardFeatures();
    const refused: Step[] = [SELECT, ["00200098", "6a86"], ["00a4020c020018", "9000"], ["00200080", "63c3"]];
    const { session, transport } = sessionOn([refused, [SELECT, ...refused.slice(2)]], { features });
    await session.run("ask", query);
    await session.run("ask", query);
    expect(features.shortEf.pin).toBe("no");
    transport.expectAllEnded();
  });
});

describe("a failure at each command", () => {
  const failures = ["CARD_RESET", "READER_ABSENT", "PCSC_UNAVAILABLE"] as const;

  test.each(failures.flatMap((failure) => LOGIN.map((_, index) => [failure, index] as const)))(
    "%s at command %i",
    async (failure, index) => {
      const failing: Step[] = LOGIN.slice(0, index + 1).map((step, i) =>
        i === index ? [step[0], new PcscError(failure, "gone")] : step,
      );
      const again = failure === "CARD_RESET" && index === 0;
      const { session, transport } = sessionOn(again ? [failing, failing, LOGIN] : [failing, LOGIN]);
      await expect(session.run("log in", login, { hold: true })).rejects.toEqual(code(failure));
      expect(transport.connects).toBe(again ? 2 : 1);
      expect(session.open).toBe(false);
      expect(await session.run("log in", login)).toBe(256);
      transport.expectAllEnded();
    },
  );

  test("a reset before the job has run is tried once more", async () => {
    for (const first of [reset(), [[SELECT[0], reset()]] as const]) {
      const { session, transport } = sessionOn([first, LOGIN]);
      expect(await session.run("log in", login)).toBe(256);
      transport.expectAllEnded();
    }
  });

  test("connect failing is not tried again", async () => {
    for (const failure of ["CARD_ABSENT", "CARD_BUSY", "READER_ABSENT", "PCSC_UNAVAILABLE"] as const) {
      const { session, transport } = sessionOn([new PcscError(failure, "no")]);
      await expect(session.run("log in", login)).rejects.toEqual(code(failure));
      transport.expectAllEnded();
    }
  });

  test("an answer cut short at each command", async () => {
    for (const index of LOGIN.keys()) {
      const failing = LOGIN.slice(0, index + 1).map((step, i): Step => (i === index ? [step[0], "90"] : step));
      const { session, transport } = sessionOn([failing]);
      await expect(session.run("log in", login)).rejects.toEqual(code("MALFORMED"));
      transport.expectAllEnded();
    }
  });
});

describe("abort", () => {
  const reason = new Error("hung up");

  test("before the call: the card is not touched", async () => {
    const { session, transport } = sessionOn([]);
    await expect(session.run("log in", login, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(transport.connects).toBe(0);
  });

  test("while connecting", async () => {
    const abort = new AbortController();
    const connect = ({ signal }: ConnectOptions): Promise<readonly Step[]> =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    const { session, transport } = sessionOn([connect, LOGIN]);
    const job = session.run("log in", login, { signal: abort.signal });
    abort.abort(reason);
    await expect(job).rejects.toBe(reason);
    expect(await session.run("log in", login)).toBe(256);
    transport.expectAllEnded();
  });

  test("right after connecting: not even SELECT is sent", async () => {
    const abort = new AbortController();
    const connect = async (): Promise<readonly Step[]> => {
      abort.abort(reason);
      return [];
    };
    const { session, transport } = sessionOn([connect]);
    await expect(session.run("log in", login, { signal: abort.signal })).rejects.toBe(reason);
    transport.expectAllEnded();
  });

  test.each([...LOGIN.keys()])("during command %i: it finishes, no other begins, the power is cut", async (index) => {
    for (const answer of [LOGIN[index]?.[1] ?? "", reset()]) {
      const abort = new AbortController();
      const paused = pausedStep([LOGIN[index]?.[0] ?? "", answer]);
      const { session, transport } = sessionOn([[...LOGIN.slice(0, index), paused.step]]);
      const job = session.run("log in", login, { signal: abort.signal, hold: true });
      const outcome = expect(job).rejects.toBe(reason);
      await paused.reached;
      abort.abort(reason);
      expect(transport.connections[0]?.ends).toBe(0);
      paused.resume();
      await outcome;
      expect(session.open).toBe(false);
      transport.expectAllEnded();
    }
  });

  test("before a READ teaches nothing about the card", async () => {
    const features = createCardFeatures();
    const abort = new AbortController();
    const cancelled = new PinError("PIN_CANCELLED", "closed the prompt");
    const { session, transport } = sessionOn([[SELECT]], { features });
    const job = (jpki: JpkiApplication) => {
      abort.abort(cancelled);
      return jpki.readCertificate("auth");
    };
    await expect(session.run("read", job, { signal: abort.signal })).rejects.toBe(cancelled);
    expect(features).toEqual(createCardFeatures());
    transport.expectAllEnded();
  });

  test("takes a waiting job out of the row at once", async () => {
    const abort = new AbortController();
    const paused = pausedStep(QUERY);
    const { session, transport } = sessionOn([[SELECT, paused.step], LOGIN]);
    const first = session.run("ask", query);
    const second = session.run("log in", login, { signal: abort.signal });
    const third = session.run("log in", login);
    await paused.reached;
    abort.abort(reason);
    await expect(second).rejects.toBe(reason);
    paused.resume();
    expect(await first).toEqual({ kind: "left", triesLeft: 3 });
    expect(await third).toBe(256);
    transport.expectAllEnded();
  });

  test("after the job has settled changes nothing", async () => {
    const abort = new AbortController();
    const { session, transport } = sessionOn([[SELECT, QUERY, QUERY]]);
    await session.run("ask", query, { signal: abort.signal, hold: true });
    abort.abort(reason);
    await session.run("ask", query);
    transport.expectAllEnded();
  });
});

describe("the row", () => {
  test("jobs run one after the other, in order", async () => {
    const { session, transport } = sessionOn([
      [SELECT, QUERY, SIGN],
      [SELECT, QUERY, SIGN],
    ]);
    const order: string[] = [];
    const job = (name: string) => async (jpki: JpkiApplication) => {
      order.push(`${name} begins`);
      await query(jpki);
      await sign(jpki);
      order.push(`${name} ends`);
    };
    await Promise.all([session.run("a", job("a")), session.run("b", job("b"))]);
    expect(order).toEqual(["a begins", "a ends", "b begins", "b ends"]);
    transport.expectAllEnded();
  });

  test("two logins at once share a held card: one PIN, two signatures", async () => {
    const { session, transport, clock } = sessionOn([[...LOGIN, SIGN]]);
    const jobs = [session.run("log in", login, { hold: true }), session.run("log in", login, { hold: true })];
    expect(await Promise.all(jobs)).toEqual([256, 256]);
    expect(session.open).toBe(true);
    clock.advance(3000);
    await session.release();
    transport.expectAllEnded();
  });

  test("a job that fails does not stop the next", async () => {
    const { session, transport } = sessionOn([new PcscError("CARD_BUSY", "held"), [SELECT, QUERY]]);
    const jobs = [session.run("a", query), session.run("b", query)];
    expect((await Promise.allSettled(jobs)).map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    transport.expectAllEnded();
  });
});

describe("release", () => {
  test("without a card does nothing", async () => {
    const { session, transport } = sessionOn([]);
    await session.release();
    expect(transport.connects).toBe(0);
  });

  test("ends a held card at once", async () => {
    const { session, transport, clock } = sessionOn([LOGIN]);
    await session.run("log in", login, { hold: true });
    await session.release();
    expect(session.open).toBe(false);
    expect(clock.timers).toBe(0);
    transport.expectAllEnded();
  });

  test("waits for the current job and goes before the waiting ones", async () => {
    const paused = pausedStep(SIGN);
    const { session, transport } = sessionOn([[...LOGIN.slice(0, -1), paused.step], LOGIN]);
    const order: string[] = [];
    const note = (name: string) => () => order.push(name);
    const first = session.run("a", login, { hold: true }).then(note("a"));
    const second = session.run("b", login, { hold: false }).then(note("b"));
    await paused.reached;
    const released = session.release().then(note("released"));
    paused.resume();
    await Promise.all([first, second, released]);
    expect(order).toEqual(["a", "released", "b"]);
    transport.expectAllEnded();
  });
});

describe("close", () => {
  test("lets the current job finish, refuses waiting and new ones, keeps nothing held", async () => {
    const paused = pausedStep(SIGN);
    const { session, transport, clock } = sessionOn([[...LOGIN.slice(0, -1), paused.step]]);
    const first = session.run("a", login, { hold: true });
    const second = session.run("b", login);
    await paused.reached;
    const released = session.release();
    const closed = session.close();
    await expect(second).rejects.toEqual(code("CARD_ABSENT"));
    await expect(session.run("c", login)).rejects.toEqual(code("CARD_ABSENT"));
    paused.resume();
    expect(await first).toBe(256);
    await released;
    await closed;
    expect(session.open).toBe(false);
    expect(clock.timers).toBe(0);
    transport.expectAllEnded();
    await session.close();
  });

  test("ends a held card", async () => {
    const { session, transport } = sessionOn([LOGIN]);
    await session.run("log in", login, { hold: true });
    await session.close();
    transport.expectAllEnded();
  });
});

test("without a timer of the test's own the real one cuts the power", async () => {
  const transport = new ScriptedTransport(LOGIN);
  const session = new CardSession({ transport, slot: SCRIPTED_SLOT, holdMs: 1 });
  await session.run("log in", login, { hold: true });
  await expect.poll(() => session.open).toBe(false);
  transport.expectAllEnded();
});
