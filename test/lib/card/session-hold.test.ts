/** A card that is kept for the next job. */

import { describe, expect, test } from "vitest";
import { LOGIN, login, pausedStep, reset, SIGN, sessionOn } from "../../helpers/scripted-session.ts";

const code = (wanted: string) => expect.objectContaining({ code: wanted });

describe("hold", () => {
  test("keeps the card for the next job, and ends in time", async () => {
    const { session, transport, clock } = sessionOn([[...LOGIN, SIGN], LOGIN], { holdMs: 1000 });
    await session.run("log in", login, { hold: true });
    clock.advance(999);
    expect(session.open).toBe(true);
    expect(await session.run("log in", login, { hold: true })).toBe(256);
    clock.advance(999);
    expect(session.open).toBe(true);
    clock.advance(1);
    expect(await session.run("log in", login)).toBe(256);
    expect(clock.timers).toBe(0);
    transport.expectAllEnded();
  });

  test("the time does not run out inside a job", async () => {
    const paused = pausedStep(SIGN);
    const { session, transport, clock } = sessionOn([[...LOGIN, paused.step]], { holdMs: 1000 });
    await session.run("log in", login, { hold: true });
    const job = session.run("log in", login);
    await paused.reached;
    expect(clock.timers).toBe(0);
    clock.advance(5000);
    expect(session.open).toBe(true);
    paused.resume();
    expect(await job).toBe(256);
    transport.expectAllEnded();
  });

  test("ends at once when another program wants the card; the next job opens afresh", async () => {
    const { session, transport, clock } = sessionOn([LOGIN, LOGIN]);
    await session.run("log in", login, { hold: true });
    const [first] = transport.connections;
    first?.wanted?.();
    expect(await session.run("log in", login)).toBe(256);
    expect([first?.wanted, clock.timers]).toEqual([undefined, 0]);
    transport.expectAllEnded();
  });

  test("others are looked for only while it lasts", async () => {
    const paused = pausedStep(SIGN);
    const { session, transport } = sessionOn([[...LOGIN, paused.step]]);
    await session.run("log in", login, { hold: true });
    const [connection] = transport.connections;
    expect(connection?.wanted).toBeDefined();
    const job = session.run("log in", login, { hold: true });
    await paused.reached;
    expect(connection?.wanted).toBeUndefined();
    paused.resume();
    await job;
    expect(connection?.wanted).toBeDefined();
    await session.close();
    expect(connection?.wanted).toBeUndefined();
    transport.expectAllEnded();
  });

  test("a job that holds nothing ends what the one before held", async () => {
    const { session, transport, clock } = sessionOn([[...LOGIN, SIGN]]);
    await session.run("log in", login, { hold: true });
    await session.run("log in", login);
    expect(session.open).toBe(false);
    expect(clock.timers).toBe(0);
    transport.expectAllEnded();
  });

  test("a held card that is gone fails the next job, which opens afresh", async () => {
    const { session, transport } = sessionOn([[...LOGIN, [SIGN[0], reset()]], LOGIN]);
    await session.run("log in", login, { hold: true });
    await expect(session.run("log in", login)).rejects.toEqual(code("CARD_RESET"));
    expect(await session.run("log in", login)).toBe(256);
    transport.expectAllEnded();
  });
});
