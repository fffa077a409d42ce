/** Logs in with ssh2 and the agent: `node ssh2.mjs PORT USER COMMAND`. Prints what the command prints. */

import ssh2 from "ssh2";

const [, , port, username, command] = process.argv;
const client = new ssh2.Client();
client.on("ready", () => {
  client.exec(command, (error, stream) => {
    if (error) throw error;
    stream.on("close", (status) => {
      process.exitCode = status;
      client.end();
    });
    stream.pipe(process.stdout);
  });
});
// An "error" that nobody listens to ends the program with status 1.
client.connect({
  host: "127.0.0.1",
  port: Number(port),
  username,
  agent: new ssh2.OpenSSHAgent(process.env.SSH_AUTH_SOCK),
});
