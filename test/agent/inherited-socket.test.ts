import { describe, expect, it } from "vitest";
import { inheritedSocket, type SocketSource } from "../../agent/inherited-socket.ts";

const TABLE = [
  "Num       RefCount Protocol Flags    Type St Inode Path",
  "0000000000000000: 00000002 00000000 00010000 0001 01 101 /run/user/1000/my agent/agent.sock",
  "0000000000000000: 00000003 00000000 00000000 0001 03 102 /run/user/1000/agent.sock",
  "0000000000000000: 00000002 00000000 00000000 0002 01 103 /run/user/1000/datagram.sock",
  "0000000000000000: 00000002 00000000 00010000 0005 01 104 /run/user/1000/packets.sock",
  "0000000000000000: 00000002 00000000 00010000 0001 01 105 @/run/user/1000/agent.sock",
  "0000000000000000: 00000002 00000000 00010000 0001 01 106",
  "",
].join("\n");

function source(target: string, mode = 0o140600): SocketSource {
  return { descriptor: async () => target, sockets: async () => TABLE, mode: async () => mode };
}

describe("what was handed over", () => {
  it("one listening stream socket of the file system is taken, with its path", async () => {
    expect(await inheritedSocket(1, source("socket:[101]"))).toEqual({
      fd: 3,
      path: "/run/user/1000/my agent/agent.sock",
    });
  });

  it.each([
    ["two descriptors", 2, source("socket:[101]")],
    ["a file", 1, source("/dev/null")],
    ["a socket of another family", 1, source("socket:[999]")],
    ["one that is connected", 1, source("socket:[102]")],
    ["a datagram socket", 1, source("socket:[103]")],
    ["a socket of packets", 1, source("socket:[104]")],
    ["an abstract one", 1, source("socket:[105]")],
    ["one without a name", 1, source("socket:[106]")],
    ["one that the group may use", 1, source("socket:[101]", 0o140620)],
    ["one that others may use", 1, source("socket:[101]", 0o140602)],
  ])("%s is not", async (_what, count, from) => {
    await expect(inheritedSocket(count, from)).rejects.toMatchObject({ code: "SOCKET_UNSAFE" });
  });

  it("a descriptor that is not there is not, nor one whose path is gone", async () => {
    const gone = () => Promise.reject(new Error("ENOENT"));
    for (const broken of [
      { ...source("socket:[101]"), descriptor: gone },
      { ...source("socket:[101]"), mode: gone },
    ])
      await expect(inheritedSocket(1, broken)).rejects.toMatchObject({ code: "SOCKET_UNSAFE" });
  });
});
